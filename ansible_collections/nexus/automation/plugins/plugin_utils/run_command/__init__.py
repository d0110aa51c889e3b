# SPDX-License-Identifier: Apache-2.0
"""Commands and files for machines that nothing connects to: through a cloud's Run Command and its object store."""
