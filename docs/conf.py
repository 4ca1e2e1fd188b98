"""Sphinx configuration. The build needs no network: nox -s docs."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
sys.path.insert(0, str(HERE.parent / "tools"))

import inventories  # noqa: E402  (docs/_ext)
import reference  # noqa: E402

import skamem  # noqa: E402

project = "skamem"
author = "The skamem developers"
copyright = "2026, The skamem developers"
version = release = skamem.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "reference",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "literal"

# -- Reference: pages for what skamem offers, found by tools/public_api.py

reference.write_pages(HERE)
autosummary_generate = True
autosummary_context = {"guide": reference.guide_pages(HERE)}
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# Names of projects without an inventory here; any other name that does not resolve is an error.
intersphinx_mapping = inventories.write_inventories(HERE / "api" / "inventories")
nitpick_ignore_regex = [
    (r"py:.*", r"(array_api_compat|cupy|joblib|matplotlib|np|pandas|torch)\..*"),
]

# -- Buttons that copy code: without prompts and without what was printed

copybutton_exclude = ".linenos, .gp, .go"

# -- Gallery

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"(^|[\\/])(plot_\w+|quickstart)\.py$",
    "within_subsection_order": "gallery.tour_first",
    "capture_repr": (),  # what an example has to say it prints
    "doc_module": ("skamem",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"skamem": None},
    "remove_config_comments": True,
    "show_memory": False,
    "download_all_examples": False,
    "plot_gallery": "True",
    "write_computation_times": False,
}

# -- Pages

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "skamem"
html_logo = "_static/logo.svg"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["skamem.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "install": [], "changelog": [], "cite": []}
html_theme_options = {
    "logo": {"text": "skamem"},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
myst_heading_anchors = 2
