"""The GraphQL documents of the commands of the drive."""

from cloudkeep.client.api.documents import USER_ERRORS as ERRORS

FOLDER_FIELDS = "__typename id name updatedAt trashedAt starred"
ITEM_FIELDS = f"{FOLDER_FIELDS} ... on File {{ size sha256 mimeType }}"
PLACE = "path parent { id }"
PLACED_FIELDS = f"{ITEM_FIELDS} {PLACE}"
DOWNLOADED_FIELDS = f"{ITEM_FIELDS} ... on File {{ download {{ url }} }}"
PAGE = "pageInfo { hasNextPage endCursor }"

ROOT = f"{{ root {{ {FOLDER_FIELDS} {PLACE} }} }}"
ITEM = f"query ($id: ID!) {{ item(id: $id) {{ {PLACED_FIELDS} }} }}"
ITEM_BY_PATH = f"query ($path: String!) {{ itemByPath(path: $path) {{ {PLACED_FIELDS} }} }}"
ITEMS = f"""query ($id: ID!, $first: Int!, $after: String) {{
  item(id: $id) {{ ... on Folder {{
    items(first: $first, after: $after) {{ nodes {{ {ITEM_FIELDS} }} {PAGE} }} }} }} }}"""
#: As ITEMS, with the URLs of the files.
DOWNLOADED_ITEMS = f"""query ($id: ID!, $first: Int!, $after: String) {{
  item(id: $id) {{ ... on Folder {{
    items(first: $first, after: $after) {{ nodes {{ {DOWNLOADED_FIELDS} }} {PAGE} }} }} }} }}"""
DOWNLOADED_ITEM = f"query ($id: ID!) {{ item(id: $id) {{ {DOWNLOADED_FIELDS} }} }}"
TOTAL_SIZE = "query ($id: ID!) { item(id: $id) { ... on Folder { totalSize } } }"
TRASH = f"""query ($first: Int!, $after: String) {{
  trash(first: $first, after: $after) {{ nodes {{ {ITEM_FIELDS} path }} {PAGE} }} }}"""
SEARCH = f"""query ($query: String!, $first: Int!, $after: String) {{
  search(query: $query, first: $first, after: $after) {{ nodes {{ {ITEM_FIELDS} path }} {PAGE} }} }}"""
CREATE_FOLDER = f"""mutation ($input: CreateFolderInput!) {{
  createFolder(input: $input) {{ folder {{ {FOLDER_FIELDS} {PLACE} }} {ERRORS} }} }}"""
RENAME_ITEM = f"""mutation ($input: RenameItemInput!) {{
  renameItem(input: $input) {{ item {{ {PLACED_FIELDS} }} {ERRORS} }} }}"""
MOVE_ITEMS = f"""mutation ($input: MoveItemsInput!) {{
  moveItems(input: $input) {{ items {{ {PLACED_FIELDS} }} {ERRORS} }} }}"""
COPY_ITEMS = f"""mutation ($input: CopyItemsInput!) {{
  copyItems(input: $input) {{ items {{ {PLACED_FIELDS} }} {ERRORS} }} }}"""
TRASH_ITEMS = f"mutation ($input: TrashItemsInput!) {{ trashItems(input: $input) {{ items {{ id }} {ERRORS} }} }}"
RESTORE_ITEMS = f"""mutation ($input: RestoreItemsInput!) {{
  restoreItems(input: $input) {{ items {{ {ITEM_FIELDS} path }} {ERRORS} }} }}"""
DELETE_ITEMS = f"mutation ($input: DeleteItemsInput!) {{ deleteItems(input: $input) {{ deletedCount {ERRORS} }} }}"

ALL = (
    ROOT,
    ITEM,
    ITEM_BY_PATH,
    ITEMS,
    DOWNLOADED_ITEMS,
    DOWNLOADED_ITEM,
    TOTAL_SIZE,
    TRASH,
    SEARCH,
    CREATE_FOLDER,
    RENAME_ITEM,
    MOVE_ITEMS,
    COPY_ITEMS,
    TRASH_ITEMS,
    RESTORE_ITEMS,
    DELETE_ITEMS,
)
