import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import type { ConnectionListLabels } from './connection-list-labels.js';
import type { Look } from './list-appearance.js';

export interface DisconnectActionProps {
  readonly name: string;
  /** Who is signed in there; empty where that is not known. */
  readonly account: string;
  readonly words: ConnectionListLabels;
  readonly look: Look;
  /** Rejects when the connection could not be ended. */
  readonly onDisconnect: () => Promise<void>;
}

type Step = 'rest' | 'asking' | 'ending' | 'failed';

/**
 * A button that asks before it ends a connection. The question stands where the button was; the focus goes to the answer
 * that changes nothing, and Escape gives it.
 */
export function DisconnectAction({
  name,
  account,
  words,
  look,
  onDisconnect,
}: DisconnectActionProps): ReactNode {
  const [step, setStep] = useState<Step>('rest');
  const disconnectRef = useRef<HTMLButtonElement>(null);
  const keepRef = useRef<HTMLButtonElement>(null);
  const lastStep = useRef(step);
  const questionId = useId();

  useEffect(() => {
    if (step === 'asking' && lastStep.current !== 'ending') keepRef.current?.focus();
    if ((step === 'rest' || step === 'failed') && lastStep.current !== step) disconnectRef.current?.focus();
    lastStep.current = step;
  }, [step]);

  const isEnding = step === 'ending';
  const keep = (): void => {
    if (!isEnding) setStep('rest');
  };
  const end = async (): Promise<void> => {
    // Not `disabled` meanwhile: a disabled button drops the focus.
    if (isEnding) return;
    setStep('ending');
    try {
      await onDisconnect();
    } catch {
      setStep('failed');
    }
  };

  if (step === 'rest' || step === 'failed') {
    return (
      <>
        <button
          ref={disconnectRef}
          type="button"
          data-authpipe-disconnect=""
          aria-label={words.disconnectOne(name, account)}
          style={look('button')}
          onClick={() => setStep('asking')}
        >
          {words.disconnect}
        </button>
        {step === 'failed' && (
          <p role="alert" style={look('error')}>
            {words.disconnectFailed(name)}
          </p>
        )}
      </>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for the fields of a form.
    <div
      role="group"
      data-authpipe-confirm=""
      aria-labelledby={questionId}
      style={look('actions')}
      onKeyDown={({ key }: KeyboardEvent) => key === 'Escape' && keep()}
    >
      <span id={questionId} style={look('question')}>
        {words.confirm(name)}
      </span>
      <span style={look('answers')}>
        <button
          type="button"
          aria-disabled={isEnding}
          aria-busy={isEnding}
          style={{ ...look('button'), ...look('danger') }}
          onClick={() => void end()}
        >
          {isEnding ? words.disconnecting : words.confirmYes}
        </button>
        <button ref={keepRef} type="button" aria-disabled={isEnding} style={look('button')} onClick={keep}>
          {words.confirmNo}
        </button>
      </span>
    </div>
  );
}
