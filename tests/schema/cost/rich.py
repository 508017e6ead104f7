"""A schema with everything that can change a price."""

SDL = """
directive @cost(weight: String!)
  on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(
  assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION

scalar Picture @cost(weight: "3")
enum Colour @cost(weight: "2") { RED BLUE }

interface Named { name: String  friend: Named  items(first: Int, last: Int): [Item!] }
union Thing = User | Item | Group

input Filter {
  text: String
  expensive: String @cost(weight: "7")
  cheap: Boolean @cost(weight: "-4")
  inner: Filter @cost(weight: "2")
  all: [Filter]
}

type Query @cost(weight: "0") {
  user(id: ID): User
  users(first: Int = 5, last: Int): [User!] @listSize(slicingArguments: ["first", "last"])
  named: Named
  things: [Thing] @listSize(assumedSize: 4)
  matrix: [[Item]] @listSize(assumedSize: 3)
  unsized: [Item]
  page(first: Int): Page
    @listSize(slicingArguments: ["first"], sizedFields: ["items"], requireOneSlicingArgument: false)
  search(
    filter: Filter @cost(weight: "5"), many: [Filter], cheap: Boolean @cost(weight: "-9"), flag: Boolean = true
  ): User @cost(weight: "4")
  self: Query
  store(rows: [Int] = [1, 2, 3], batch: Batch): Stored
    @listSize(slicingArguments: ["rows", "batch.rows", "batch.more.count"], sizedFields: ["errors", "warnings"])
}

input Batch { rows: [Int!]  more: More = {count: 7}  label: String }
input More { count: Int  label: String }
type Stored { errors: [Item] @listSize(assumedSize: 2)  warnings: [Item]  total: Int @cost(weight: "5") }

type Mutation @cost(weight: "0") { make(filter: Filter): User @cost(weight: "10") }

type Page { items: [Item!]  total: Int  rest: [Item!] }

type User implements Named @cost(weight: "2") {
  name: String
  friend: Named
  items(first: Int, last: Int): [Item!] @listSize(slicingArguments: ["first", "last"])
  self: User
  picture: Picture
  pictures: [Picture] @listSize(assumedSize: 6)
  colour: Colour
}

type Item implements Named {
  name: String @cost(weight: "1")
  friend: Named
  items(first: Int, last: Int): [Item!] @listSize(slicingArguments: ["first", "last"], assumedSize: 2)
  owner: User
  thing: Thing
}

type Group @cost(weight: "5") { members: [User] @listSize(assumedSize: 3)  title: String }
"""
