import { gql } from '@apollo/client'
import { createApollo } from './apollo.js'
import { EXPENSIVE, exhaust, follow, main, seen, until } from './driver.js'

const ME = gql`query { me { id userId storage { used } } }`
const PAGE = gql`query ($first: Int, $after: String, $last: Int, $before: String) {
  files(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
const PROGRESS = gql`subscription ($id: ID!) { uploadProgress(uploadId: $id) { stage upload { id status } } }`
/** Every frame costs 161 points. */
const EXPENSIVE_PROGRESS = gql`subscription ($id: ID!) { uploadProgress(uploadId: $id) {
  stage ${Array.from({ length: 80 }, (_, number) => `u${number}: upload { id }`)} } }`
const NODE = gql`query ($id: ID!) { node(id: $id) { id ... on Upload { status } } }`
const SLOTS = gql`query ($id: ID!, $after: String) { upload(id: $id) { id
  slots(first: 2, after: $after) { edges { cursor node { id index } } pageInfo { hasNextPage endCursor } } } }`

const watching = (apollo, query = PROGRESS) => (id, sink) =>
  apollo.subscribe({ query, variables: { id } }).subscribe({
    ...sink,
    // Apollo passes on what ends a subscription as a result.
    next: ({ data, error }) => (error ? sink.error(error) : sink.next(data.uploadProgress.stage)),
  })

/** Fetch another page, and wait until the cache has notified the query of it. */
async function fetchMore(query, variables) {
  const before = query.getCurrentResult().data
  await query.fetchMore({ variables })
  await until(() => query.getCurrentResult().data !== before)
}

/** The names of all files of the cache after each page. */
async function pages(apollo, first, more) {
  const query = apollo.watchQuery({ query: PAGE, variables: first })
  const subscription = query.subscribe(() => {})
  await until(() => query.getCurrentResult().data)
  const found = []
  for (;;) {
    const { edges, pageInfo } = query.getCurrentResult().data.files
    found.push(edges.map(({ node }) => node.name))
    const variables = more(pageInfo)
    if (!variables) break
    await fetchMore(query, variables)
  }
  subscription.unsubscribe()
  return found
}

const forwards = ({ hasNextPage, endCursor }) => hasNextPage && { after: endCursor }
const backwards = ({ hasPreviousPage, startCursor }) =>
  hasPreviousPage && { first: null, after: null, last: 2, before: startCursor }

main({
  async renew({ session, socket }) {
    const apollo = createApollo(session, socket)
    const ask = () => apollo.query({ query: ME, fetchPolicy: 'network-only', context: { queryDeduplication: false } })
    return (await Promise.all([1, 2, 3].map(ask))).map(({ data }) => data.me.userId)
  },
  async ended({ session, socket }) {
    session.tokens.refreshToken = 'unknown'
    return createApollo(session, socket).query({ query: ME }).catch(({ code }) => code)
  },
  async wait({ session, socket }) {
    const apollo = createApollo(session, socket)
    const results = await exhaust((uploadId) => apollo.mutate({ mutation: gql(EXPENSIVE), variables: { uploadId } }))
    return results.map(({ data }) => data.retryUpload.userErrors[0].code)
  },
  /** The last stages of subscriptions to an upload that is READY, some of which the server has refused at first. */
  async waitOverWebSocket({ session, socket, upload }) {
    let refusals = 0
    socket.on('message', ({ type, payload }) => (refusals += type === 'error' && payload[0].extensions.code === 'RATE_LIMITED'))
    const watch = watching(createApollo(session, socket), EXPENSIVE_PROGRESS)
    const last = () =>
      new Promise((resolve, error) => {
        let stage
        watch(upload.id, { next: (next) => (stage = next), error, complete: () => resolve(stage) })
      })
    const stages = []
    while (!refusals) stages.push(...(await Promise.all(Array.from({ length: 20 }, last))))
    return stages
  },
  forwards: ({ session, socket }) => pages(createApollo(session, socket), { first: 2 }, forwards),
  backwards: ({ session, socket }) => pages(createApollo(session, socket), { last: 2 }, backwards),
  async slots({ session, socket, upload }) {
    const apollo = createApollo(session, socket)
    const query = apollo.watchQuery({ query: SLOTS, variables: { id: upload.id } })
    query.subscribe(() => {})
    const slots = () => query.getCurrentResult().data?.upload.slots
    await until(slots)
    await fetchMore(query, { after: slots().pageInfo.endCursor })
    return slots().edges.map(({ node }) => node.index)
  },
  expiring: ({ session, socket, upload }) =>
    follow(upload, watching(createApollo(session, socket)), () => seen.connections > 1),
  limited: ({ session, socket, upload }) => follow(upload, watching(createApollo(session, socket)), () => true),
  /** The status of the upload in the cache, which the subscription has updated, and that of a query past the cache. */
  async cache({ session, socket, upload }) {
    const apollo = createApollo(session, socket)
    await apollo.query({ query: NODE, variables: { id: upload.id } })
    await follow(upload, watching(apollo), () => true)
    const cached = apollo.readQuery({ query: NODE, variables: { id: upload.id } }).node.status
    const options = { query: NODE, variables: { id: upload.id }, fetchPolicy: 'network-only' }
    return { cached, fetched: (await apollo.query(options)).data.node.status, keys: Object.keys(apollo.cache.extract()) }
  },
})
