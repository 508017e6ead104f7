"""The schema as clients see it: the SDL file is up to date, and the schema has every field that was promised."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    build_schema,
    is_introspection_type,
    is_object_type,
    is_scalar_type,
    is_specified_directive,
    is_specified_scalar_type,
    parse,
    print_ast,
    validate_schema,
)

import schema.build
from services.core.errors import ErrorCode
from workers.job_runner import MISSING_RESOURCES

WRITTEN = Path(schema.build.__file__).with_name("schema.graphql")

CONTRACT = parse(
    """
    type Query {
      me: Account
      upload(id: ID!): Upload
      uploads(status: UploadStatus, first: Int, after: String, last: Int, before: String): UploadConnection!
      file(id: ID!): File
      files(first: Int, after: String, last: Int, before: String): FileConnection!
      node(id: ID!): Node
      server: Server!
    }
    type Mutation {
      register(input: RegisterInput!): RegisterPayload!
      verifyOtp(input: VerifyOtpInput!): VerifyOtpPayload!
      login(input: LoginInput!): LoginPayload!
      refreshSession(input: RefreshSessionInput!): RefreshSessionPayload!
      reauthenticate(input: ReauthenticateInput!): ReauthenticatePayload!
      logout(input: LogoutInput): LogoutPayload!
      revokeSession(input: RevokeSessionInput!): RevokeSessionPayload!
      revokeOtherSessions: RevokeOtherSessionsPayload!
      createApiToken(input: CreateApiTokenInput!): CreateApiTokenPayload!
      revokeApiToken(input: RevokeApiTokenInput!): RevokeApiTokenPayload!
      requestPasswordReset(input: RequestPasswordResetInput!): RequestPasswordResetPayload!
      resetPassword(input: ResetPasswordInput!): ResetPasswordPayload!
      changePassword(input: ChangePasswordInput!): ChangePasswordPayload!
      requestEmailChange(input: RequestEmailChangeInput!): RequestEmailChangePayload!
      confirmEmailChange(input: ConfirmEmailChangeInput!): ConfirmEmailChangePayload!
      undoEmailChange(input: UndoEmailChangeInput!): UndoEmailChangePayload!
      updateProfile(input: UpdateProfileInput!): UpdateProfilePayload!
      initUpload(input: InitUploadInput!): InitUploadPayload!
      completeUpload(input: CompleteUploadInput!): CompleteUploadPayload!
      reportChunks(input: ReportChunksInput!): ReportChunksPayload!
      abortUpload(input: AbortUploadInput!): AbortUploadPayload!
      retryUpload(input: RetryUploadInput!): RetryUploadPayload!
    }
    type Subscription { uploadProgress(uploadId: ID!, after: String): UploadProgress! }
    input RegisterInput { userId: String!  userName: String!  email: String!  password: String! }
    input VerifyOtpInput { registrationId: ID!  otp: String!  cookies: Boolean = false }
    input LoginInput { userId: String!  password: String!  cookies: Boolean = false }
    input ReauthenticateInput { password: String! }
    input RevokeSessionInput { sessionId: ID! }
    input RequestPasswordResetInput { email: String! }
    input ResetPasswordInput { resetId: ID!  otp: String!  newPassword: String! }
    input ChangePasswordInput { currentPassword: String!  newPassword: String! }
    input RefreshSessionInput { refreshToken: String! }
    input CreateApiTokenInput { name: String!  scopes: [ApiTokenScope!]!  expiresAt: DateTime }
    input RevokeApiTokenInput { apiTokenId: ID! }
    enum ApiTokenScope { READ UPLOAD WRITE DELETE ACCOUNT COMPRESSOR }
    type CreateApiTokenPayload { apiToken: ApiToken  secret: String  userErrors: [UserError!]! }
    input InitUploadInput {
      fileName: String!
      size: ByteSize!
      mimeType: String
      sha256: String
      chunkSize: Int
      compress: CompressInput
      idempotencyKey: String
    }
    input CompressInput { preset: CompressionPreset!  maxHeight: Int }
    input CompleteUploadInput { uploadId: ID! }
    input AbortUploadInput { uploadId: ID! }
    input RetryUploadInput { uploadId: ID! }
    input ReportChunksInput { uploadId: ID!  chunks: [ReportedChunk!]! }
    input ReportedChunk { index: Int!  etag: String!  sha256: String! }
    enum CompressionPreset { FAST BALANCED SMALL }
    enum RenditionRecipe { COMPRESSED_VIDEO }
    type SignedUrl { url: String!  expiresAt: DateTime! }
    type PageInfo { hasNextPage: Boolean!  hasPreviousPage: Boolean!  startCursor: String  endCursor: String }
    type FileConnection { edges: [FileEdge!]!  nodes: [File!]!  pageInfo: PageInfo!  totalCount: Int }
    type SignIn {
      accessToken: String
      refreshToken: String
      expiresAt: DateTime
      account: Account!
      session: Session!
    }
    type UserError { field: [String!]  message: String!  code: UserErrorCode! }
    type ChunkSlot { id: ID!  index: Int!  offset: ByteSize!  size: Int!  received: Boolean!  url: String! }
    type Upload {
      slots(first: Int, after: String, last: Int, before: String, missing: Boolean): ChunkSlotConnection!
    }
    type UploadProgress {
      cursor: String!
      stage: UploadStage!
      percent: Float!
      bytesDone: ByteSize
      bytesTotal: ByteSize
      etaSeconds: Float
      speed: Float
      waitsFor: WaitReason
      upload: Upload!
    }
    enum UploadStatus { RECEIVING REASSEMBLING COMPRESSING READY FAILED ABORTED EXPIRED }
    """
).definitions

FIELDS = {
    "ApiToken": "id name scopes createdAt expiresAt lastUsedAt lastCharacters",
    "Account": "id sessions apiTokens locale",
    "PasswordReset": "id expiresAt",
    "EmailChange": "id expiresAt",
    "Registration": "email expiresAt",
    "Session": "id createdAt lastUsedAt userAgent address expiresAt current",
    "Server": "version maxFileSize features",
    "UploadError": "code message",
    "Upload": "id fileName size status chunkSize chunkCount receivedChunks receivedBytes expiresAt file error slots",
    "File": "id name size mimeType sha256 createdAt download downloadUrl media renditions",
    "Rendition": "id recipe mimeType size sha256 download downloadUrl",
}


@pytest.fixture(scope="module")
def served() -> GraphQLSchema:
    return build_schema(schema.build.build_schema().as_str())


def test_the_sdl_file_is_that_of_the_served_schema() -> None:
    served = schema.build.build_schema().as_str() + "\n"
    assert WRITTEN.read_text(encoding="utf-8") == served, (
        "schema/schema.graphql is out of date: run `make schema`, and read the changes"
    )


def test_the_schema_is_valid(served: GraphQLSchema) -> None:
    assert validate_schema(served) == []


def promised(kind: type[TypeDefinitionNode]) -> list[object]:
    return [pytest.param(node, id=node.name.value) for node in CONTRACT if isinstance(node, kind)]


@pytest.mark.parametrize("node", promised(ObjectTypeDefinitionNode))
def test_a_promised_type_has_its_fields_and_arguments(served: GraphQLSchema, node: ObjectTypeDefinitionNode) -> None:
    for field in node.fields or ():
        assert shape(served_field(served, node.name.value, field.name.value)) >= shape(field)


@pytest.mark.parametrize("node", promised(InputObjectTypeDefinitionNode))
def test_a_promised_input_has_its_fields_and_requires_no_others(
    served: GraphQLSchema, node: InputObjectTypeDefinitionNode
) -> None:
    written = served.type_map[node.name.value].ast_node
    assert isinstance(written, InputObjectTypeDefinitionNode)
    fields = {field.name.value: print_ast(field.type) for field in written.fields or ()}
    promised_fields = {field.name.value: print_ast(field.type) for field in node.fields or ()}
    assert promised_fields.items() <= fields.items()
    assert not [name for name in fields.keys() - promised_fields.keys() if fields[name].endswith("!")]


@pytest.mark.parametrize("node", promised(EnumTypeDefinitionNode))
def test_a_promised_enum_has_its_values_in_order(served: GraphQLSchema, node: EnumTypeDefinitionNode) -> None:
    written = served.type_map[node.name.value].ast_node
    assert isinstance(written, EnumTypeDefinitionNode)
    assert [value.name.value for value in written.values or ()] == [value.name.value for value in node.values or ()]


@pytest.mark.parametrize(("name", "fields"), FIELDS.items())
def test_a_type_of_the_contract_has_the_fields_that_clients_use(served: GraphQLSchema, name: str, fields: str) -> None:
    assert all(served_field(served, name, field) for field in fields.split())


def test_no_new_argument_is_required(served: GraphQLSchema) -> None:
    demanded = {
        (kind, field.name.value, argument.name.value)
        for kind in ("Query", "Mutation", "Subscription", "Upload")
        for field in definition(served, kind).fields or ()
        for argument in field.arguments or ()
        if print_ast(argument.type).endswith("!") and argument.default_value is None
    }
    known = {
        (node.name.value, field.name.value, argument.name.value)
        for node in CONTRACT
        if isinstance(node, ObjectTypeDefinitionNode)
        for field in node.fields or ()
        for argument in field.arguments or ()
    }
    assert demanded - known == {
        ("Mutation", "createZip", "input"),
        ("Mutation", "copyItems", "input"),
        ("Mutation", "createFolder", "input"),
        ("Mutation", "deleteItems", "input"),
        ("Mutation", "deleteVersion", "input"),
        ("Mutation", "initUploads", "input"),
        ("Mutation", "moveItems", "input"),
        ("Mutation", "renameItem", "input"),
        ("Mutation", "resendOtp", "input"),
        ("Mutation", "restoreItems", "input"),
        ("Mutation", "restoreVersion", "input"),
        ("Mutation", "starItem", "input"),
        ("Mutation", "trashItems", "input"),
        ("Query", "changes", "after"),
        ("Query", "item", "id"),
        ("Query", "itemByPath", "path"),
        ("Query", "operationCost", "query"),
        ("Query", "search", "query"),
        ("Query", "uploadsByIds", "ids"),
        ("Upload", "slot", "index"),
    }


def definition(served: GraphQLSchema, name: str) -> ObjectTypeDefinitionNode:
    written = served.type_map[name].ast_node
    assert isinstance(written, ObjectTypeDefinitionNode)
    return written


def served_field(served: GraphQLSchema, kind: str, name: str) -> FieldDefinitionNode:
    (found,) = [field for field in definition(served, kind).fields or () if field.name.value == name]
    return found


def shape(field: FieldDefinitionNode) -> set[tuple[str, str]]:
    """The field's type and its arguments' types, as written."""
    arguments = {(argument.name.value, print_ast(argument.type)) for argument in field.arguments or ()}
    return {("", print_ast(field.type)), *arguments}


NODES = {"Account", "ApiToken", "Session", "Upload", "File", "FileVersion", "Folder", "Rendition", "Zip"}


def test_every_object_that_node_loads_implements_node(served: GraphQLSchema) -> None:
    (node,) = [kind for kind in served.type_map.values() if kind.name == "Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in served.get_possible_types(node)} == NODES


#: The arguments of mutations that need no input.
ARGUMENTS = {"logout": [("input", "LogoutInput")], "revokeOtherSessions": [], "emptyTrash": []}


def test_every_mutation_has_an_input_and_a_payload_of_its_own(served: GraphQLSchema) -> None:
    for field in definition(served, "Mutation").fields or ():
        name = field.name.value[0].upper() + field.name.value[1:]
        arguments = [(each.name.value, print_ast(each.type)) for each in field.arguments or ()]
        assert arguments == ARGUMENTS.get(field.name.value, [("input", f"{name}Input!")])
        assert print_ast(field.type) == f"{name}Payload!"
        assert "userErrors" in {each.name.value for each in definition(served, f"{name}Payload").fields or ()}


CONNECTION = {"edges", "nodes", "pageInfo", "totalCount"}
PAGING = {("first", "Int"), ("after", "String"), ("last", "Int"), ("before", "String")}


def test_every_connection_is_complete(served: GraphQLSchema) -> None:
    # The feed of changes is read forwards only, and is not counted.
    names = {name for name in served.type_map if name.endswith("Connection")} - {"ChangeConnection"}
    listed = {"ApiToken", "ChunkSlot", "DriveItem", "File", "FileVersion", "Search", "Session", "Upload"}
    assert names == {f"{name}Connection" for name in listed}
    for name in names:
        assert {field.name.value for field in definition(served, name).fields or ()} == CONNECTION
    for kind in filter(is_object_type, served.type_map.values()):
        for field in definition(served, kind.name).fields or () if not is_introspection_type(kind) else ():
            if print_ast(field.type).strip("!") in names:
                arguments = {(each.name.value, print_ast(each.type)) for each in field.arguments or ()}
                # What a search finds is read forwards only.
                paging = {("first", "Int"), ("after", "String")} if field.name.value == "search" else PAGING
                assert arguments >= paging, f"{kind.name}.{field.name.value}"


def described(served: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Every element that can have a description, with its description."""
    for kind in served.type_map.values():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        yield kind.name, kind.description
        for name, element in {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}.items():
            yield f"{kind.name}.{name}", element.description
            for argument, definition in getattr(element, "args", {}).items():
                yield f"{kind.name}.{name}({argument})", definition.description
    for directive in served.directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description
            for argument, definition in directive.args.items():
                yield f"@{directive.name}({argument})", definition.description


def test_everything_has_a_description_in_whole_sentences(served: GraphQLSchema) -> None:
    wrong = [
        coordinate
        for coordinate, description in described(served)
        if not description or not (description[0].isupper() or description[0] in "`1368") or description[-1] != "."
    ]
    assert wrong == []


def test_scalars_say_where_they_are_specified(served: GraphQLSchema) -> None:
    assert {
        kind.name: kind.specified_by_url is not None
        for kind in served.type_map.values()
        if is_scalar_type(kind) and not is_specified_scalar_type(kind)
    } == {"ByteSize": True, "DateTime": True, "JSON": True}


def test_a_description_has_the_price_if_it_is_above_the_usual_one(served: GraphQLSchema) -> None:
    login = served_field(served, "Mutation", "login")
    assert login.description
    assert login.description.value.endswith("Price: 50 points.")


def values(served: GraphQLSchema, name: str) -> set[str]:
    kind = served.type_map[name]
    assert isinstance(kind, GraphQLEnumType)
    return set(kind.values)


def test_every_code_of_the_services_is_in_an_enum(served: GraphQLSchema) -> None:
    everywhere = values(served, "UserErrorCode") | values(served, "RequestErrorCode")
    assert everywhere | values(served, "UploadErrorCode") == {code.value for code in ErrorCode}
    assert values(served, "WaitReason") == {code.value for code in MISSING_RESOURCES.values()}
