"""Version of Scorewatch, carried by images, bundles and reports."""

VERSION = "0.2.0"
