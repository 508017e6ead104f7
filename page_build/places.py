"""Where the sources of the page are, and where its build goes."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
SCHEMA = ROOT / "schema" / "schema.graphql"
#: A link to a folder in :data:`BUILDS`, so that a new build takes its place in one step.
DIST = WEB / "dist"
#: The lock and the log are here as well.
WORK = WEB / ".build"
BUILDS = WORK / "builds"
TOOLS = WORK / "bin"
LOG = WORK / "log.txt"
#: In the folder of the page, which a build by hand empties.
MARKER = Path("page", ".build.json")
#: The folders with a package.json, and the folder of the build that each writes.
PROJECTS = {"page": WEB, "graphiql": WEB / "graphiql"}
