import { type RefObject, useEffect, useRef, useState } from 'react'
import { type CodeReader, createCodeReader } from './read-code.js'

export type CameraProblem = 'denied' | 'none' | 'busy' | 'unsupported'
export type CameraState = { readonly status: 'starting' } | { readonly status: 'running' } | { readonly status: 'failed'; readonly problem: CameraProblem }

const PROBLEMS: Readonly<Record<string, CameraProblem>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'none',
  OverconstrainedError: 'none',
  NotReadableError: 'busy',
  AbortError: 'busy',
}
const problemOf = (error: unknown): CameraProblem => PROBLEMS[error instanceof Error || error instanceof DOMException ? error.name : ''] ?? 'unsupported'

/** Milliseconds between two looks. */
const LOOK_MS = 150

async function openCamera(signal: AbortSignal): Promise<MediaStream> {
  if (typeof navigator.mediaDevices?.getUserMedia !== 'function') throw new DOMException('no camera interface', 'NotSupportedError')
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 960 } },
  })
  const stop = (): void => {
    for (const track of stream.getTracks()) track.stop()
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  return stream
}

/** Looks until something was found, then tells it; `onCode` of the same text only once in a row, so that a wrong code does not tell again and again. */
async function watchFrames(video: HTMLVideoElement, reader: CodeReader, { signal, onCode }: { signal: AbortSignal; onCode: (code: string) => void }) {
  let last: string | undefined
  while (!signal.aborted) {
    const code = await reader(video).catch(() => undefined)
    if (signal.aborted) return
    if (code !== undefined && code !== last) {
      last = code
      onCode(code)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** The camera in the `video` element and the codes that it sees, while mounted. */
export function useCodeCamera(onCode: (code: string) => void): { readonly video: RefObject<HTMLVideoElement | null>; readonly state: CameraState } {
  const video = useRef<HTMLVideoElement>(null)
  const [state, setState] = useState<CameraState>({ status: 'starting' })
  const latest = useRef(onCode)
  useEffect(() => {
    latest.current = onCode
  }, [onCode])
  useEffect(() => {
    const ending = new AbortController()
    const { signal } = ending
    const run = async (): Promise<void> => {
      const [stream, reader] = await Promise.all([openCamera(signal), createCodeReader({ still: false })])
      const element = video.current
      if (signal.aborted || !element) return
      element.srcObject = stream
      await element.play()
      if (signal.aborted) return
      setState({ status: 'running' })
      await watchFrames(element, reader, { signal, onCode: (code) => latest.current(code) })
    }
    run().catch((error: unknown) => {
      if (!signal.aborted) setState({ status: 'failed', problem: problemOf(error) })
    })
    return () => ending.abort()
  }, [])
  return { video, state }
}
