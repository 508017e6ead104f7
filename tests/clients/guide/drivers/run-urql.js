import { readFileSync } from 'node:fs'
import { getIntrospectedSchema, minifyIntrospectionQuery } from '@urql/introspection'
import { EXPENSIVE, exhaust, follow, main, seen } from './driver.js'
import { createUrql } from './urql.js'

const ME = 'query { me { id userId storage { used } } }'
const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String) {
  files(first: $first, after: $after, last: $last, before: $before) { totalCount
    edges { cursor node { id name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
const PROGRESS = 'subscription ($id: ID!) { uploadProgress(uploadId: $id) { stage upload { id status } } }'
const NODE = 'query ($id: ID!) { node(id: $id) { id ... on Upload { status } } }'
/** Every type without an ID that a query can return, but for Media, which the file of a test has not. */
const EVERYTHING = `query ($id: ID!) {
  me { id storage { used quota } } server { version features }
  rateLimit { remaining layers { name } ingest { remaining } }
  operationCost(query: "{ me { id } }") { requestedQueryCost fields { path } }
  files(first: 1) { nodes { id download { url expiresAt } media { duration } renditions { id download { url } } } pageInfo { endCursor } }
  upload(id: $id) { id error { code } slot(index: 0) { id url } slots { edges { node { id } } } } }`
const ABORT = `mutation ($input: AbortUploadInput!) {
  abortUpload(input: $input) { upload { id status } userErrors { code field } } }`

const schema = minifyIntrospectionQuery(getIntrospectedSchema(readFileSync('schema.graphql', 'utf8')))
const urql = ({ session, socket }) => createUrql(session, socket, schema)

function dataOf({ data, error }) {
  if (error) throw error
  return data
}

const watching = (client) => (id, sink) => {
  client.subscription(PROGRESS, { id }).subscribe(({ data, error, hasNext }) => {
    if (error) sink.error(error)
    else if (data) sink.next(data.uploadProgress.stage)
    if (data?.uploadProgress.stage === 'READY') sink.complete()
  })
}

/** The names of all files of the cache after each page. */
async function pages(client, first, more) {
  const found = []
  for (let variables = first, last; variables; ) {
    last = dataOf(await client.query(PAGE, variables)).files
    // All pages that are in the cache, as the result of the query of the first one.
    found.push(dataOf(await client.query(PAGE, first)).files.edges.map(({ node }) => node.name))
    variables = more(last.pageInfo)
  }
  return found
}

main({
  async renew(given) {
    const client = urql(given)
    const answers = await Promise.all([ME, `${ME} #2`, `${ME} #3`].map((query) => client.query(query, {}).toPromise()))
    return answers.map((answer) => dataOf(answer).me.userId)
  },
  async ended(given) {
    given.session.tokens.refreshToken = 'unknown'
    const { error } = await urql(given).query(ME, {}).toPromise()
    return error.networkError.code
  },
  async wait(given) {
    const client = urql(given)
    const results = await exhaust((uploadId) => client.mutation(EXPENSIVE, { uploadId }).toPromise())
    return results.map((result) => dataOf(result).retryUpload.userErrors[0].code)
  },
  forwards: (given) =>
    pages(urql(given), { first: 2 }, ({ hasNextPage, endCursor }) => hasNextPage && { first: 2, after: endCursor }),
  backwards: (given) =>
    pages(urql(given), { last: 2 }, ({ hasPreviousPage, startCursor }) => hasPreviousPage && { last: 2, before: startCursor }),
  expiring: (given) => follow(given.upload, watching(urql(given)), () => seen.connections > 1),
  async cache(given) {
    const client = urql(given)
    const { id } = given.upload
    await client.query(NODE, { id })
    await follow(given.upload, watching(client), () => true)
    const requests = seen.statuses.length
    const cached = dataOf(await client.query(NODE, { id })).node.status
    const fetched = dataOf(await client.query(NODE, { id }, { requestPolicy: 'network-only' })).node.status
    return { cached, fetched, requests: seen.statuses.length - requests }
  },
  async everything(given) {
    const client = urql(given)
    const { id } = given.upload
    const data = dataOf(await client.query(EVERYTHING, { id }))
    dataOf(await client.mutation(ABORT, { input: { uploadId: id } }))
    return { download: data.files.nodes[0].download.url, status: dataOf(await client.query(NODE, { id })).node.status }
  },
})
