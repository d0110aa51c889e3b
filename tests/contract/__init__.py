# SPDX-License-Identifier: Apache-2.0
"""What every runner promises: the same tests on the same platform, wherever its instances are."""
