import type { ListedConnection } from '@authpipe/types';
import { type ReactNode, useEffect, useRef } from 'react';
import { ConnectButton } from '../connect-button.js';
import type { ConnectError } from '../connect-error.js';
import type { ConnectionListLabels } from './connection-list-labels.js';
import { DisconnectAction } from './disconnect-action.js';
import { type Look, STATUS_COLOURS } from './list-appearance.js';
import { StatusSign } from './row-signs.js';

export interface ConnectionRowProps {
  readonly id: string;
  readonly connection: ListedConnection;
  /** The provider's name, with the connection's label where there is one. */
  readonly name: string;
  readonly icon: ReactNode;
  readonly isFirst: boolean;
  readonly words: ConnectionListLabels;
  readonly look: Look;
  readonly isUnstyled: boolean;
  readonly onDisconnect: () => Promise<void>;
  readonly onReconnected: () => void;
  readonly onReconnectError: ((error: ConnectError) => void) | undefined;
}

/** One connection: whose, how it is in words, and what can be done about it. */
export function ConnectionRow(props: ConnectionRowProps): ReactNode {
  const { id, connection, name, icon, isFirst, words, look, isUnstyled, onDisconnect } = props;
  const { provider, integration, status, reason, account, missingScopes } = connection;
  const row = useRef<HTMLLIElement>(null);
  const isReconnected = useRef(false);
  const needsReconnect = status === 'needs_reconnect';
  const accountText = account?.email ?? account?.name ?? account?.id ?? '';

  useEffect(() => {
    // The button that had the focus is gone: the person stays at the connection that they mended.
    if (!needsReconnect && isReconnected.current) row.current?.focus();
    isReconnected.current = false;
  }, [needsReconnect]);

  const isBad = needsReconnect || status === 'degraded';
  return (
    <li
      ref={row}
      id={id}
      tabIndex={-1}
      data-authpipe-connection={status}
      aria-labelledby={`${id}-name`}
      style={isUnstyled ? undefined : { ...look('row'), ...(!isFirst && look('divided')) }}
    >
      <span aria-hidden="true" data-authpipe-mark={provider} style={look('mark')}>
        {icon ?? name.charAt(0)}
      </span>
      <div style={look('about')}>
        <span id={`${id}-name`} style={look('name')}>
          <bdi>{name}</bdi>
        </span>
        {accountText && (
          <span id={`${id}-account`} style={look('quiet')}>
            <bdi>{accountText}</bdi>
          </span>
        )}
        <span
          data-authpipe-status={status}
          style={isUnstyled ? undefined : { ...look('status'), color: STATUS_COLOURS[status] }}
        >
          <StatusSign status={status} />
          <span>
            {words.status[status]}
            {isBad && reason ? `. ${words.reasons[reason] ?? ''}` : ''}
          </span>
        </span>
        {missingScopes.length > 0 && (
          <span data-authpipe-missing="" title={missingScopes.join(' ')} style={look('quiet')}>
            {words.missingScopes(missingScopes.length)}
          </span>
        )}
      </div>
      <div style={look('actions')}>
        {needsReconnect && (
          <ConnectButton
            provider={provider}
            integration={integration}
            connection={connection}
            size="small"
            unstyled={isUnstyled}
            aria-describedby={accountText ? `${id}-account` : undefined}
            labels={{ needsReconnect: words.reconnect(name), ...words.button }}
            onSuccess={() => {
              isReconnected.current = true;
              props.onReconnected();
            }}
            onError={props.onReconnectError}
          />
        )}
        <DisconnectAction
          name={name}
          account={accountText}
          words={words}
          look={look}
          onDisconnect={onDisconnect}
        />
      </div>
    </li>
  );
}
