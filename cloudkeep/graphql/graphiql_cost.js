// Shows the cost of the last operation and the remaining budget in a corner of GraphiQL.
// The script only reads the responses of fetch and WebSocket. If it fails, GraphiQL works without it.
(() => {
  'use strict'
  const { fetch: nativeFetch, WebSocket: NativeWebSocket } = window

  const quietly = (listen) => {
    try {
      listen()
    } catch (error) {
      console.debug('The cost cannot be shown:', error)
    }
  }

  const number = (value, digits = 0) => value.toLocaleString(undefined, { maximumFractionDigits: digits })

  // The lines for an answer's extensions.cost, and for its refusal if it is one.
  const linesOf = (cost, refusal) => {
    const lines = []
    if (refusal) {
      const { retryAfter } = refusal.extensions
      lines.push(retryAfter == null ? 'refused' : `refused, try again in ${number(retryAfter, 1)} s`)
    }
    if (cost) {
      const { requestedQueryCost: requested, actualQueryCost: actual, throttleStatus: status } = cost
      lines.push(`${actual == null ? '' : `cost ${number(actual)}, `}requested ${number(requested)}`)
      if (status) {
        lines.push(
          `${number(status.currentlyAvailable)} of ${number(status.maximumAvailable)} left, ` +
            `+${number(status.restoreRate, 2)} per second`,
        )
      }
    }
    return lines
  }

  let corner
  const show = (lines) => {
    if (!corner) {
      corner = document.createElement('output')
      corner.id = 'cloudkeep-cost'
      corner.style.cssText =
        'position: fixed; right: 8px; bottom: 8px; z-index: 99; padding: 4px 8px; border-radius: 4px;' +
        'font: 12px/1.4 system-ui, sans-serif; white-space: pre; pointer-events: none;' +
        'background: Canvas; color: CanvasText; border: 1px solid GrayText; opacity: 0.9'
    }
    document.body.append(corner)
    corner.textContent = lines.join('\n')
  }

  // An answer, a batch of them, or anything else, which is passed over.
  const heard = (payload) => {
    for (const answer of [payload].flat()) {
      const refusal = answer?.errors?.find((error) => error?.extensions?.code === 'RATE_LIMITED')
      const lines = linesOf(answer?.extensions?.cost, refusal)
      if (lines.length) show(lines)
      // An error without a cost: what stands in the corner is about something else.
      else if (answer?.errors) corner?.remove()
    }
  }

  const heardText = (text) => quietly(() => heard(JSON.parse(text)))

  // A copy of a stream would keep it open when GraphiQL cancels it, so the events are read as they pass.
  const listenedTo = (response) => {
    const decoder = new TextDecoder()
    let rest = ''
    const ear = new TransformStream({
      transform(chunk, controller) {
        controller.enqueue(chunk)
        quietly(() => {
          const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\r|\n/)
          rest = lines.pop()
          for (const line of lines) if (line.startsWith('data: {')) heardText(line.slice('data: '.length))
        })
      },
    })
    const { status, statusText, headers, url } = response
    const passed = new Response(response.body.pipeThrough(ear), { status, statusText, headers })
    return Object.defineProperty(passed, 'url', { value: url })
  }

  window.fetch = async function fetch(...request) {
    let response = await nativeFetch.apply(this, request)
    quietly(() => {
      const type = response.headers.get('content-type') ?? ''
      if (type.includes('json')) response.clone().text().then(heardText, () => {})
      if (type.startsWith('text/event-stream') && response.body) response = listenedTo(response)
    })
    return response
  }

  window.WebSocket = class WebSocket extends NativeWebSocket {
    constructor(...given) {
      super(...given)
      this.addEventListener('message', ({ data }) =>
        quietly(() => {
          const { type, payload } = JSON.parse(data)
          if (type === 'next') heard(payload)
          if (type === 'error') heard({ errors: payload })
        }),
      )
    }
  }
})()
