import {
  type ComponentPropsWithoutRef,
  cloneElement,
  forwardRef,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
} from 'react';
import {
  announcedOnlyStyle,
  type ButtonSize,
  buttonStyle,
  errorTextStyle,
  rootStyle,
} from './button-appearance.js';
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
  /** Default `medium`; all lengths follow the font size. */
  size?: ButtonSize | undefined;
  /** The provider's sign, about `1.1em` wide: shown before anything is connected. Default: two links of a chain. */
  icon?: ReactNode;
  /** Leaves out the default inline styles: `className` alone decides. */
  unstyled?: boolean | undefined;
  /**
   * The one child takes the place of the `<button>`, without default styles: a button of your design system. It has to
   * pass its props and `ref` on to a real `<button>`. Where it has no children of its own, it gets the icon and the words.
   */
  asChild?: boolean | undefined;
  /** With `asChild` alone. */
  children?: ReactElement<ChildProps> | undefined;
}

/** What an `asChild` child takes part in. */
type ChildProps = Pick<ComponentPropsWithoutRef<'button'>, 'className' | 'style' | 'onClick' | 'children'>;

/**
 * Connects an account at a provider, and shows how that stands: idle, connecting, connected, needs reconnect, error.
 * Other attributes go to the `<button>`, and so do `ref`, `className` and `style`.
 * @throws Error outside an `AuthpipeProvider`.
 */
export const ConnectButton = forwardRef<HTMLButtonElement, ConnectButtonProps>(
  function ConnectButton(props, ref) {
    const { provider, integration, connection, connectionId, config, display, ...afterTarget } = props;
    const { onSuccess, onError, onCancel, onAwaitingFinish, ...afterCallbacks } = afterTarget;
    const { label, labels, size = 'medium', icon, unstyled, asChild, children, ...rest } = afterCallbacks;
    const { style, className, onClick, disabled = false, ...attributes } = rest;
    const { connect, ...shown } = useConnect(props);

    const { errors, ...words } = connectLabels(
      provider,
      label === undefined ? labels : { idle: label, ...labels },
    );
    const { status } = shown;
    const text = buttonText(shown, words);
    const texts = Object.values(words);
    const child = (asChild && children) || <button type="button" />;
    const own: ChildProps = child.props;
    const handleClick = (event: MouseEvent<HTMLButtonElement>): void => {
      own.onClick?.(event);
      onClick?.(event);
      if (!event.defaultPrevented) connect();
    };
    const given = {
      ...attributes,
      ...(ref && { ref }),
      disabled,
      'aria-busy': status === 'connecting',
      'data-authpipe-button': status,
      className: `${own.className ?? ''} ${className ?? ''}`.trim() || undefined,
      style: {
        ...(!unstyled && !asChild && buttonStyle({ status, disabled, size, texts })),
        ...own.style,
        ...style,
      },
      onClick: handleClick,
    };

    return (
      <span data-authpipe-connect={status} style={unstyled ? undefined : rootStyle}>
        {cloneElement(
          child,
          given,
          own.children ?? (
            <>
              {(status === 'idle' && icon) || <ButtonIcon status={status} />}
              <span>{text}</span>
            </>
          ),
        )}
        <span
          role="status"
          data-authpipe-message=""
          style={status === 'error' ? (unstyled ? undefined : errorTextStyle) : announcedOnlyStyle}
        >
          {announcement(shown, errors, text)}
        </span>
      </span>
    );
  },
);

function buttonText({ status, windowGone }: ConnectSnapshot, words: Omit<ConnectLabels, 'errors'>): string {
  if (status === 'connecting') return windowGone ? words.windowGone : words.connecting;
  if (status === 'needs_reconnect') return words.needsReconnect;
  return words[status];
}

/** What a screen reader hears when the state changes here: nothing at rest, where the button speaks for itself. */
function announcement(
  { status, error, connection }: ConnectSnapshot,
  errors: ConnectLabels['errors'],
  text: string,
): string {
  if (status === 'error' && error) return errors[error.code];
  return status === 'connecting' || (status === 'connected' && connection) ? text : '';
}
