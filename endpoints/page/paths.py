"""The paths of the page: which of them are pages, and which are files of the build."""

#: The first segment of every page's path. What follows it is for the page's own router.
PAGE_SEGMENTS = ("f", "file", "search", "starred", "trash", "account", "sign-in", "sign-up", "reset")
PAGE_PATHS = ("/", *(path for name in PAGE_SEGMENTS for path in (f"/{name}", f"/{name}/{{rest:path}}")))

#: Files of the build whose names never change.
ROOT_FILES = ("icon.svg", "manifest.webmanifest")
#: Files with a hash of their content in their names. The folder of the build is the first value.
ASSET_PATHS = {"page/assets": "/assets/{file:path}", "graphiql/assets": "/graphiql/assets/{file:path}"}

PAGE = "page/index.html"
GRAPHIQL = "graphiql/index.html"
