export type { ConnectedAccount } from '@authpipe/types';
export { AuthpipeProvider, type AuthpipeProviderProps } from './authpipe-provider.js';
export type { Browser, Popup } from './browser.js';
export { ConnectButton, type ConnectButtonProps } from './connect-button.js';
export { ConnectError, type ConnectErrorCode } from './connect-error.js';
export {
  type ConnectDisplay,
  ConnectFlow,
  type ConnectFlowOptions,
  type ConnectFlowParts,
  type ConnectFlowStatus,
  type ConnectRequest,
  type ConnectSnapshot,
  type SessionSource,
} from './connect-flow.js';
export type { ConnectLabelOverrides, ConnectLabels } from './connect-labels.js';
export type { CatalogueProviderId, ProviderId } from './provider-id.js';
export { type UseConnectOptions, type UseConnectResult, useConnect } from './use-connect.js';
