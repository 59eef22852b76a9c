import { type ComponentPropsWithoutRef, forwardRef, type MouseEvent } from 'react';
import { announcedOnlyStyle, buttonStyle, errorTextStyle, rootStyle } from './button-appearance.js';
import { ButtonIcon } from './button-icon.js';
import type { ConnectSnapshot } from './connect-flow.js';
import { type ConnectLabelOverrides, type ConnectLabels, connectLabels } from './connect-labels.js';
import { type UseConnectOptions, useConnect } from './use-connect.js';

type ButtonAttributes = Omit<
  ComponentPropsWithoutRef<'button'>,
  keyof UseConnectOptions | 'children' | 'type'
>;

export interface ConnectButtonProps extends UseConnectOptions, ButtonAttributes {
  /** The words before anything is connected: short for `labels={{ idle }}`. */
  label?: string | undefined;
  /** Words of every state, for another language. */
  labels?: ConnectLabelOverrides | undefined;
  /** Leaves out the default inline styles: `className` alone decides. */
  unstyled?: boolean | undefined;
}

/**
 * Connects an account at a provider, and shows how that stands: idle, connecting, connected, needs reconnect, error.
 * Other attributes go to the `<button>`, and so do `ref`, `className` and `style`.
 * @throws Error outside an `AuthpipeProvider`.
 */
export const ConnectButton = forwardRef<HTMLButtonElement, ConnectButtonProps>(
  function ConnectButton(props, ref) {
    const { provider, integration, connection, connectionId, display, ...afterTarget } = props;
    const { onSuccess, onError, onCancel, onAwaitingFinish, ...afterCallbacks } = afterTarget;
    const {
      label,
      labels,
      unstyled = false,
      style,
      onClick,
      disabled = false,
      ...attributes
    } = afterCallbacks;
    const { connect, ...shown } = useConnect({
      provider,
      integration,
      connection,
      connectionId,
      display,
      onSuccess,
      onError,
      onCancel,
      onAwaitingFinish,
    });

    const words = connectLabels(provider, label === undefined ? labels : { idle: label, ...labels });
    const { status } = shown;
    const text = buttonText(shown, words);
    const handleClick = (event: MouseEvent<HTMLButtonElement>): void => {
      onClick?.(event);
      if (!event.defaultPrevented) connect();
    };

    return (
      <span data-authpipe-connect={status} style={unstyled ? undefined : rootStyle}>
        <button
          {...attributes}
          ref={ref}
          type="button"
          disabled={disabled}
          aria-busy={status === 'connecting'}
          data-authpipe-button={status}
          style={unstyled ? style : { ...buttonStyle(status, disabled), ...style }}
          onClick={handleClick}
        >
          <ButtonIcon status={status} />
          <span>{text}</span>
        </button>
        <span
          role="status"
          data-authpipe-message=""
          style={status === 'error' ? (unstyled ? undefined : errorTextStyle) : announcedOnlyStyle}
        >
          {announcement(shown, words, text)}
        </span>
      </span>
    );
  },
);

function buttonText({ status, windowGone }: ConnectSnapshot, words: ConnectLabels): string {
  if (status === 'connecting') return windowGone ? words.windowGone : words.connecting;
  if (status === 'needs_reconnect') return words.needsReconnect;
  return words[status];
}

/** What a screen reader hears when the state changes here: nothing at rest, where the button speaks for itself. */
function announcement(
  { status, error, connection }: ConnectSnapshot,
  words: ConnectLabels,
  text: string,
): string {
  if (status === 'error' && error) return words.errors[error.code];
  return status === 'connecting' || (status === 'connected' && connection) ? text : '';
}
