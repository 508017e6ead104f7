// Subscribes once with graphql-ws and once with graphql-sse, as they come out of their packages, says on a line when each
// has its first result, and prints at the end, as JSON, what the code that uses them got to know.
import * as sse from 'graphql-sse'
import * as ws from 'graphql-ws'

const { url, token, operation } = JSON.parse(process.argv[2])
const authorization = { Authorization: `Bearer ${token}` }
let connections = 0
const on = { connected: () => (connections += 1) }
const clients = {
  ws: ws.createClient({ url: url.replace('http', 'ws'), connectionParams: authorization, lazy: true, on }),
  sse: sse.createClient({ url, headers: authorization }),
}

const follow = ([kind, client]) =>
  new Promise((resolve) => {
    const results = []
    const next = (result) => results.push(result) === 1 && console.log(`${kind} follows`)
    const error = (reason) => resolve({ kind, results, error: String(reason?.message ?? reason?.reason ?? reason) })
    client.subscribe(operation, { next, error, complete: () => resolve({ kind, results, error: null }) })
  })

const outcomes = await Promise.all(Object.entries(clients).map(follow))
console.log(JSON.stringify({ outcomes, connections }))
process.exit(0)
