// Runs operations as GraphiQL does, and tells what stands in the corner after each of them.
const { url, authorization, operations } = await (await fetch('/orders')).json()
const endpoint = `${url}/graphql`
const corner = () => document.querySelector('#cloudkeep-cost')

const tell = (kind, more) => fetch('/events', { method: 'POST', body: JSON.stringify({ kind, ...more }) })

const post = (body, signedIn, accept) =>
  fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...(signedIn && { authorization }) },
    body: JSON.stringify(body),
  })

const ways = {
  post: async (operation, signedIn) => (await post(operation, signedIn, 'application/json')).json(),
  batch: async (operation, signedIn) => (await post([operation], signedIn, 'application/json')).json(),
  events: async (operation, signedIn) => (await post(operation, signedIn, 'text/event-stream')).text(),
  socket: (operation, signedIn) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
      const send = (message) => socket.send(JSON.stringify(message))
      socket.onopen = () => send({ type: 'connection_init', payload: signedIn ? { authorization } : {} })
      socket.onerror = reject
      socket.onmessage = ({ data }) => {
        const { type, payload } = JSON.parse(data)
        if (type === 'connection_ack') send({ type: 'subscribe', id: '1', payload: operation })
        if (type === 'next' || type === 'error') resolve(payload)
      }
    }),
}

// The answer is read in parallel with its client, so the corner may change a moment later.
const changed = async () => {
  while (!corner()) await new Promise((resolve) => requestAnimationFrame(resolve))
  return corner().textContent
}

try {
  for (const { way, signedIn, ...operation } of operations) {
    corner()?.remove()
    await ways[way](operation, signedIn)
    await tell('shown', { way, text: await changed() })
  }
  await tell('end')
} catch (error) {
  await tell('error', { message: String(error) })
}
