# SPDX-License-Identifier: GPL-2.0
"""Sphinx: how `make docs` makes pages of these files."""

import re
from pathlib import Path

HERE = Path(__file__).parent

project = "xvti"
copyright = "the authors of xvti"
version = release = re.search(r'^PACKAGE_VERSION="(.*)"',
                              (HERE / "../dkms.conf").read_text(), re.M)[1]
exclude_patterns = ["out", "netlink", "examples", "figures"]
highlight_language = "none"
smartquotes = False
html_theme = "alabaster"
html_show_sourcelink = False
html_theme_options = {
    "description": "a route-based IPsec tunnel device for Linux",
    "fixed_sidebar": True,
}
