"""The schema as clients see it: what is served is what is written down, and what was promised is in it."""

from pathlib import Path

import pytest
from graphql import (
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    build_schema,
    parse,
    print_ast,
    validate_schema,
)

import schema.build

WRITTEN = Path(schema.build.__file__).with_name("schema.graphql")

CONTRACT = parse(
    """
    type Query {
      me: Account
      upload(id: ID!): Upload
      uploads: UploadConnection!
      file(id: ID!): File
      files: FileConnection!
      node(id: ID!): Node
    }
    type Mutation {
      register(input: RegisterInput!): RegisterPayload!
      verifyOtp(input: VerifyOtpInput!): SessionPayload!
      login(input: LoginInput!): SessionPayload!
      initUpload(input: InitUploadInput!): UploadPayload!
      completeUpload(uploadId: ID!): UploadPayload!
      abortUpload(uploadId: ID!): UploadPayload!
    }
    type Subscription { uploadProgress(uploadId: ID!, after: String): UploadProgress! }
    input RegisterInput { userId: String!  userName: String!  email: String!  password: String! }
    input VerifyOtpInput { email: String!  otp: String! }
    input LoginInput { userId: String!  password: String! }
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
    enum CompressionPreset { FAST BALANCED SMALL }
    type RegisterPayload { registration: Registration  userErrors: [UserError!]! }
    type SessionPayload { session: Session  userErrors: [UserError!]! }
    type UploadPayload { upload: Upload  userErrors: [UserError!]! }
    type UserError { field: [String!]  message: String!  code: ErrorCode! }
    type ChunkSlot { index: Int!  offset: ByteSize!  size: Int!  received: Boolean!  url: String! }
    type Upload { slots(first: Int, after: String, missing: Boolean): ChunkSlotConnection! }
    type UploadProgress {
      cursor: String!
      stage: UploadStatus!
      percent: Float!
      bytesDone: ByteSize
      bytesTotal: ByteSize
      etaSeconds: Float
      speed: Float
      upload: Upload!
    }
    enum UploadStatus { RECEIVING REASSEMBLING COMPRESSING READY FAILED ABORTED EXPIRED }
    """
).definitions

FIELDS = {
    "Account": "id",
    "Registration": "email expiresAt",
    "Session": "accessToken refreshToken expiresAt account",
    "Upload": "id fileName size status chunkSize chunkCount receivedChunks receivedBytes expiresAt file error slots",
    "File": "id name size mimeType sha256 createdAt downloadUrl media renditions",
    "Rendition": "kind size sha256 downloadUrl",
}


@pytest.fixture(scope="module")
def served() -> GraphQLSchema:
    return build_schema(schema.build.build_schema().as_str())


def test_the_schema_is_written_down_as_it_is_served() -> None:
    served = schema.build.build_schema().as_str() + "\n"
    assert WRITTEN.read_text(encoding="utf-8") == served, (
        "schema/schema.graphql is out of date: write it anew by `make schema`, and read what changed"
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
def test_a_promised_input_has_its_fields_and_demands_no_others(
    served: GraphQLSchema, node: InputObjectTypeDefinitionNode
) -> None:
    written = served.type_map[node.name.value].ast_node
    assert isinstance(written, InputObjectTypeDefinitionNode)
    fields = {field.name.value: print_ast(field.type) for field in written.fields or ()}
    wanted = {field.name.value: print_ast(field.type) for field in node.fields or ()}
    assert wanted.items() <= fields.items()
    assert not [name for name in fields.keys() - wanted.keys() if fields[name].endswith("!")]


@pytest.mark.parametrize("node", promised(EnumTypeDefinitionNode))
def test_a_promised_enum_has_its_values_in_order(served: GraphQLSchema, node: EnumTypeDefinitionNode) -> None:
    written = served.type_map[node.name.value].ast_node
    assert isinstance(written, EnumTypeDefinitionNode)
    assert [value.name.value for value in written.values or ()] == [value.name.value for value in node.values or ()]


@pytest.mark.parametrize(("name", "fields"), FIELDS.items())
def test_a_type_of_the_contract_has_the_fields_that_clients_use(served: GraphQLSchema, name: str, fields: str) -> None:
    assert all(served_field(served, name, field) for field in fields.split())


def test_no_argument_that_is_new_to_a_client_must_be_given(served: GraphQLSchema) -> None:
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
        ("Query", "operationCost", "query"),
        ("Mutation", "refreshSession", "refreshToken"),
        ("Mutation", "reportChunks", "chunks"),
        ("Mutation", "reportChunks", "uploadId"),
        ("Mutation", "retryUpload", "uploadId"),
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
