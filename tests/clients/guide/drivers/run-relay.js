import { registerHooks } from 'node:module'
import { createOperationDescriptor, fetchQuery, getSingularSelector, requestSubscription } from 'relay-runtime'
import { follow, main, seen, until } from './driver.js'
import { createEnvironment } from './relay.js'

// What the compiler writes leaves the extension of its imports to bundlers.
registerHooks({ resolve: (name, context, next) => next(name.endsWith('.graphql') ? `${name}.js` : name, context) })

const generated = async (name) => (await import(`./src/__generated__/${name}.graphql.js`)).default

const load = async (environment, query, variables) => fetchQuery(environment, await generated(query), variables).toPromise()

/** What a fragment on the root has in the store. */
async function read(environment, query, fragment, variables) {
  const operation = createOperationDescriptor(await generated(query), variables)
  const root = environment.lookup(operation.fragment).data
  return environment.lookup(getSingularSelector(await generated(fragment), root)).data
}

/** The names of a connection in the store after each page, which is loaded as `usePaginationFragment` does. */
async function pages(environment, { query, fragment, field, name }, first, more) {
  const found = []
  for (let variables = first; variables; ) {
    await load(environment, query, variables)
    const { edges, pageInfo } = (await read(environment, query, fragment, first))[field]
    found.push(edges.map(({ node }) => node[name]))
    variables = more(pageInfo)
  }
  return found
}

const uploads = { query: 'DriveUploadsQuery', fragment: 'Drive_uploads', field: 'uploads', name: 'fileName' }
const files = { query: 'DriveFilesQuery', fragment: 'Drive_files', field: 'files', name: 'name' }
const environmentOf = ({ session, socket }) => createEnvironment(session, socket)

main({
  forwards: (given) =>
    pages(environmentOf(given), uploads, { first: 2 }, ({ hasNextPage, endCursor }) => hasNextPage && { first: 2, after: endCursor }),
  both: (given) =>
    pages(environmentOf(given), uploads, { last: 2, before: given.cursor }, ({ hasPreviousPage, startCursor }) =>
      hasPreviousPage && { last: 2, before: startCursor }),
  backwards: (given) =>
    pages(environmentOf(given), files, { count: 2 }, ({ hasPreviousPage, startCursor }) =>
      hasPreviousPage && { count: 2, cursor: startCursor }),
  async slots(given) {
    const environment = environmentOf(given)
    const { id } = given.upload
    const page = async (cursor) => (await load(environment, 'DriveSlotsQuery', { id, count: 2, cursor })).node
    await page(null)
    const fragment = await generated('Drive_slots')
    const operation = createOperationDescriptor(await generated('DriveSlotsQuery'), { id, count: 2, cursor: null })
    const slots = () => {
      const { node } = environment.lookup(operation.fragment).data
      return environment.lookup(getSingularSelector(fragment, node)).data.slots
    }
    await page(slots().pageInfo.endCursor)
    return slots().edges.map(({ node }) => node.index)
  },
  /** The account after a token that had expired, and after a refetch by its ID. */
  async account(given) {
    const environment = environmentOf(given)
    const { me } = await load(environment, 'DriveQuery', {})
    const fragment = await generated('Drive_account')
    const data = () => environment.lookup(getSingularSelector(fragment, me)).data
    const before = data().storage.used
    await fetch(given.upload.slots.nodes[0].url, { method: 'PUT', body: 'xyz' })
    const status = 'query ($id: ID!) { upload(id: $id) { status } }'
    await until(async () => (await given.session.execute(status, { id: given.upload.id })).data.upload.status === 'READY')
    await load(environment, 'DriveAccountQuery', { id: me.id })
    return { before, after: data().storage.used }
  },
  async subscription(given) {
    const environment = environmentOf(given)
    const subscription = await generated('DriveProgressSubscription')
    const watch = (id, { next, error, complete }) =>
      requestSubscription(environment, {
        subscription, variables: { id }, onError: error, onCompleted: complete,
        onNext: ({ uploadProgress }) => next(uploadProgress.upload.status),
      })
    const frames = await follow(given.upload, watch, () => seen.connections > 1)
    return { frames, stored: environment.getStore().getSource().get(given.upload.id).status }
  },
})
