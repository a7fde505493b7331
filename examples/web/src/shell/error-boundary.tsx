import { RotateCw } from 'lucide-react'
import { Component, type ReactNode } from 'react'
import { errorText } from '../format/error-text.js'
import { Button } from '../ui/button.js'
import { FullScreen } from './full-screen.js'

/** The last resort: a defect in the app ends here and not in a white page. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly error: Error | undefined }> {
  override state: { readonly error: Error | undefined } = { error: undefined }

  static getDerivedStateFromError(error: Error): { readonly error: Error } {
    return { error }
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children
    return (
      <FullScreen
        title="That should not have happened"
        alert
        testId="error-boundary"
        actions={
          <Button icon={<RotateCw className="size-4" aria-hidden />} onClick={() => location.reload()}>
            Reload
          </Button>
        }
      >
        <p>{errorText(this.state.error)}</p>
        <p>Your messages are stored on this device; a reload loses nothing.</p>
      </FullScreen>
    )
  }
}
