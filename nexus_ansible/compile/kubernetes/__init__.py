# SPDX-License-Identifier: Apache-2.0
"""Services of an environment as objects of Kubernetes: one file for each kind, frozen data in, plain data out.

The shapes are those of https://kubernetes.io/docs/reference/kubernetes-api/.
"""
