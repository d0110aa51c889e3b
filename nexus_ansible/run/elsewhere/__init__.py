# SPDX-License-Identifier: Apache-2.0
"""A command that runs on a control node elsewhere, for those whose own machine is not to reach production."""
