import type { LinkScanState } from '@securechat/react'
import { CameraOff, ScanLine } from 'lucide-react'
import { useState } from 'react'
import { FieldError } from '../ui/field-error.js'
import { Waiting } from '../ui/spinner.js'
import { linkProblem } from './link-problem.js'
import { OtherWays } from './other-ways.js'
import { type CameraProblem, useCodeCamera } from './use-code-camera.js'

const CAMERA: Readonly<Record<CameraProblem, string>> = {
  denied: 'The camera is blocked for this page. Allow it in the browser’s address bar, then open this again.',
  none: 'This device has no camera.',
  busy: 'Another app uses the camera. Close it, then open this again.',
  unsupported: 'This browser gives no camera to this page.',
}

export interface ScanStepProps {
  readonly state: Extract<LinkScanState, { status: 'scanning' | 'reading' }>
  readonly onCode: (code: string) => void
}

export function ScanStep({ state, onCode }: ScanStepProps) {
  const [otherWay, setOtherWay] = useState(false)
  const problem = state.status === 'scanning' ? state.error : undefined
  return (
    <div className="flex flex-col gap-4 pt-2">
      <ol className="flex list-decimal flex-col gap-1 pl-5 text-ink-soft marker:text-ink-faint">
        <li>Open SecureChat on the new device.</li>
        <li>
          Choose <strong className="font-semibold text-ink">Link to another device</strong>.
        </li>
        <li>Hold its code into the picture.</li>
      </ol>
      {state.status === 'reading' ? (
        <Waiting className="aspect-square rounded-3xl bg-sunken two-pane:aspect-[4/3]">Reading the code …</Waiting>
      ) : otherWay ? (
        <OtherWays onCode={onCode} onBack={() => setOtherWay(false)} />
      ) : (
        <CameraView onCode={onCode} />
      )}
      {problem && <FieldError>{linkProblem(problem)}</FieldError>}
      <p className="text-pretty rounded-2xl bg-warning-soft px-4 py-3 text-sm text-warning-ink">
        <strong className="font-semibold">Only scan a code that you see on your own screen.</strong> Whoever shows or sends you one wants to read your messages;
        SecureChat never asks you to scan one.
      </p>
      {!otherWay && state.status !== 'reading' && (
        <button
          type="button"
          className="self-center font-medium text-accent-ink text-sm underline underline-offset-3"
          onClick={() => setOtherWay(true)}
          data-testid="link-other-way"
        >
          No camera at hand?
        </button>
      )}
    </div>
  )
}

function CameraView({ onCode }: { readonly onCode: (code: string) => void }) {
  const { video, state } = useCodeCamera(onCode)
  return (
    <div
      className="relative grid aspect-square place-items-center overflow-hidden rounded-3xl bg-sunken two-pane:aspect-[4/3]"
      data-testid="camera"
      data-status={state.status}
    >
      <video ref={video} muted playsInline aria-label="Camera" className={state.status === 'running' ? 'absolute inset-0 size-full object-cover' : 'hidden'} />
      {state.status === 'running' && (
        <div aria-hidden className="pointer-events-none absolute inset-0 grid place-items-center">
          <div className="aspect-square h-[68%] rounded-3xl border-4 border-white/90 shadow-[0_0_0_100vmax_rgb(0_0_0/0.35)]" />
        </div>
      )}
      {state.status === 'starting' && (
        <p role="status" className="flex flex-col items-center gap-3 px-8 text-center text-ink-soft">
          <ScanLine className="size-8 text-accent-ink" aria-hidden />
          Allow the camera when the browser asks. The picture stays on this device.
        </p>
      )}
      {state.status === 'failed' && (
        <p role="alert" className="flex flex-col items-center gap-3 px-8 text-center text-ink-soft">
          <CameraOff className="size-8 text-ink-faint" aria-hidden />
          {CAMERA[state.problem]}
        </p>
      )}
    </div>
  )
}
