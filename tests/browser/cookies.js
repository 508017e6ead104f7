// What a page can do with another origin's GraphQL: every way to send an operation, with the browser's cookies.
// Each function returns what the page has learned, or the name of the error.
(() => {
  const json = { 'content-type': 'application/json' }
  const text = { 'content-type': 'text/plain' }
  const attempt = async (work) => {
    try {
      return await work()
    } catch (error) {
      return { error: error.name }
    }
  }
  const post = (url, operation, options) =>
    attempt(async () => {
      const body = JSON.stringify(operation)
      const response = await fetch(`${url}/graphql`, { method: 'POST', body, ...options })
      return response.type === 'opaque' ? { opaque: true } : { status: response.status, ...(await response.json()) }
    })

  const loaded = (element) =>
    new Promise((resolve) => {
      element.onload = element.onerror = () => resolve({ opaque: true })
      document.body.append(element)
    })

  const form = async (url, operation) => {
    const frame = document.createElement('iframe')
    frame.name = `frame-${Math.random()}`
    await loaded(frame)
    const form = Object.assign(document.createElement('form'), {
      action: `${url}/graphql`,
      method: 'POST',
      enctype: 'text/plain',
      target: frame.name,
    })
    // In text/plain, the field and its value are joined by "=", which makes one JSON text.
    const [name, value] = JSON.stringify({ ...operation, extensions: { x: '=' } }).split('=')
    form.append(Object.assign(document.createElement('input'), { name, value }))
    document.body.append(form)
    const sent = new Promise((resolve) => (frame.onload = () => resolve({ opaque: true })))
    form.submit()
    return sent
  }

  const query = ({ query, variables }) =>
    new URLSearchParams({ query, ...(variables && { variables: JSON.stringify(variables) }) })

  const image = (url, operation) =>
    loaded(Object.assign(document.createElement('img'), { src: `${url}/graphql?${query(operation)}` }))

  const get = (url, operation, options) =>
    attempt(async () => {
      const response = await fetch(`${url}/graphql?${query(operation)}`, options)
      return response.type === 'opaque' ? { opaque: true } : { status: response.status, ...(await response.json()) }
    })

  const converse = (url, operation) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
      const finish = (result) => {
        resolve(result)
        socket.close()
      }
      socket.onopen = () => socket.send(JSON.stringify({ type: 'connection_init' }))
      socket.onclose = ({ code }) => resolve({ closed: code })
      socket.onmessage = ({ data }) => {
        const { type, payload } = JSON.parse(data)
        if (type === 'connection_ack') socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: operation }))
        if (type === 'next') finish(payload)
        if (type === 'error') finish({ errors: payload })
      }
    })

  globalThis.ways = {
    post: (url, operation) => post(url, operation, { headers: json, credentials: 'include' }),
    plainPost: (url, operation) =>
      post(url, operation, { headers: text, credentials: 'include', mode: 'no-cors' }),
    simplePost: (url, operation) => post(url, operation, { headers: text, credentials: 'include' }),
    form,
    beacon: (url, operation) =>
      attempt(async () => ({
        sent: navigator.sendBeacon(`${url}/graphql`, new Blob([JSON.stringify(operation)], { type: 'text/plain' })),
      })),
    image,
    get: (url, operation) => get(url, operation, { credentials: 'include' }),
    plainGet: (url, operation) => get(url, operation, { credentials: 'include', mode: 'no-cors' }),
    socket: (url, operation) => attempt(() => converse(url, operation)),
  }
})()
