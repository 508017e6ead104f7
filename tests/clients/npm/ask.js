// Runs operations one after another with graphql-ws or graphql-sse, as they come out of their packages, and prints
// what the code that uses them gets to know of each, as JSON.
import * as sse from 'graphql-sse'
import * as ws from 'graphql-ws'

const { kind, url, token, operations } = JSON.parse(process.argv[2])
const authorization = token ? { Authorization: `Bearer ${token}` } : {}
const client =
  kind === 'ws'
    ? ws.createClient({ url: url.replace('http', 'ws'), connectionParams: authorization })
    : sse.createClient({ url, headers: authorization })

const readable = (error) =>
  Array.isArray(error) ? { errors: error } : { code: error.code, reason: error.reason, message: error.message }

const run = (operation) =>
  new Promise((resolve) => {
    const results = []
    client.subscribe(operation, {
      next: (result) => results.push(result),
      complete: () => resolve({ results, error: null }),
      error: (error) => resolve({ results, error: readable(error) }),
    })
  })

const outcomes = []
for (const operation of operations) outcomes.push(await run(operation))
console.log(JSON.stringify(outcomes))
await client.dispose()
