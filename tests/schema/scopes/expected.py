"""Which API tokens may use which field, written down apart from the schema.

A new field of the schema belongs into exactly one of these tables. Choose with care: a field that shows or allows more
than the object that it is on needs a scope of its own.
"""

from services.accounts.types import ApiTokenScope

#: The fields and types that API tokens with one of the scopes may use; a type, by ``node``.
SCOPED = {
    "READ": "Query.root Query.item Query.itemByPath Query.trash Query.starred Query.search Query.file Query.files "
    "Query.changes Query.changesCursor Subscription.activity Mutation.createZip Upload.file Upload.parent Change.item "
    "Folder File FileVersion Rendition Zip",
    "UPLOAD": "Mutation.initUpload Mutation.initUploads Mutation.completeUpload Mutation.reportChunks "
    "Mutation.retryUpload ChunkSlot.url ChunkSlot.urlExpiresAt",
    "READ UPLOAD": "Query.upload Query.uploads Query.uploadsByIds Subscription.uploadProgress UploadProgress.upload "
    "Account.storage Upload",
    "WRITE": "Mutation.createFolder Mutation.renameItem Mutation.moveItems Mutation.copyItems Mutation.starItem "
    "Mutation.restoreItems Mutation.restoreVersion",
    "DELETE": "Mutation.abortUpload Mutation.trashItems Mutation.deleteItems Mutation.emptyTrash "
    "Mutation.deleteVersion",
    "ACCOUNT": "Mutation.updateProfile Account.email Account.sessions Account.apiTokens ApiToken Session",
}
#: The fields and types that every API token may use.
OPEN = "Query.me Query.node Query.rateLimit Query.operationCost Query.server Account"
#: The fields that no API token may use.
CLOSED = (
    "Mutation.register Mutation.verifyOtp Mutation.resendOtp Mutation.login Mutation.refreshSession "
    "Mutation.reauthenticate Mutation.logout Mutation.revokeSession Mutation.revokeOtherSessions "
    "Mutation.createApiToken Mutation.revokeApiToken Mutation.requestPasswordReset Mutation.resetPassword "
    "Mutation.changePassword Mutation.requestEmailChange Mutation.confirmEmailChange Mutation.undoEmailChange"
)
#: The root fields that need no viewer.
ANONYMOUS = {
    "Query.root",
    "Query.rateLimit",
    "Query.operationCost",
    "Query.server",
    "Mutation.register",
    "Mutation.verifyOtp",
    "Mutation.resendOtp",
    "Mutation.login",
    "Mutation.refreshSession",
    "Mutation.requestPasswordReset",
    "Mutation.resetPassword",
    "Mutation.undoEmailChange",
}
#: The other fields of each type, which show no more than the object that they are on. Payloads, connections and edges
#: are left out: all of their fields are of this kind.
PLAIN = {
    "Account": "id userId userName createdAt isAdmin locale",
    "ApiToken": "id name scopes lastCharacters createdAt expiresAt lastUsedAt",
    "BudgetLayer": "name limit remaining restoreRate",
    "Change": "cursor kind itemId at",
    "ChunkSlot": "id index offset size received",
    "EmailChange": "id expiresAt",
    "FieldCost": "path coordinate times cost total",
    "File": "id name createdAt updatedAt trashedAt starred parent path owner size kind mimeType sha256 version "
    "versions download downloadUrl media renditions",
    "FileVersion": "id number size sha256 mimeType createdAt isCurrent media download",
    "Folder": "id name createdAt updatedAt trashedAt starred parent path owner items itemCount totalSize",
    "Heartbeat": "cursor",
    "InitUploadResult": "upload userErrors",
    "IngestBudget": "limit remaining restoreRate",
    "Media": "duration width height frameRate videoCodec audioCodec bitRate container",
    "OperationCost": "requestedQueryCost maximum fields",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "PasswordReset": "id expiresAt",
    "Profile": "name",
    "RateLimit": "cost limit remaining used resetAt restoreRate layers ingest",
    "Registration": "id email expiresAt",
    "Rendition": "id recipe mimeType size sha256 download downloadUrl",
    "Server": "version registration maxFileSize features trashTtl",
    "Session": "id createdAt lastUsedAt userAgent address expiresAt current",
    "SignIn": "accessToken refreshToken expiresAt account session deviceToken",
    "SignedUrl": "url expiresAt",
    "Storage": "quota used originals derived reserved",
    "Upload": "id fileName size status chunkSize chunkCount receivedChunks receivedBytes expiresAt createdAt direct "
    "waitsFor error slots slot",
    "UploadError": "code message",
    "UploadProgress": "cursor stage percent bytesDone bytesTotal etaSeconds speed waitsFor",
    "UserError": "field message code",
    "Zip": "id name size createdAt download",
}
NOT_LISTED = ("Payload", "Connection", "Edge")

Scopes = frozenset[ApiTokenScope]
EVERY_SCOPE: Scopes = frozenset(ApiTokenScope)

#: By coordinate: the scopes of which one is needed; empty if no token may use it, None if every token may.
NEEDS: dict[str, Scopes | None] = dict.fromkeys(OPEN.split())
NEEDS |= dict.fromkeys(CLOSED.split(), frozenset())
for _scopes, _names in SCOPED.items():
    NEEDS |= dict.fromkeys(_names.split(), frozenset(map(ApiTokenScope, _scopes.split())))


def may_use(scopes: Scopes, coordinate: str) -> bool:
    """Whether a token with these scopes may use a field or, by ``node``, a type."""
    needed = NEEDS.get(coordinate)
    return needed is None or bool(needed & scopes)
