import type { CSSProperties } from 'react';
import type { ConnectFlowStatus } from './connect-flow.js';

/** `light-dark()` follows the page's own `color-scheme`: a page that is only light keeps a light button. */
const TONES: Record<ConnectFlowStatus, { background: string; color: string; border: string }> = {
  idle: {
    background: 'var(--authpipe-background, light-dark(#1f2a44, #e8ecf5))',
    color: 'var(--authpipe-color, light-dark(#fff, #141b2d))',
    border: 'var(--authpipe-border, transparent)',
  },
  connecting: {
    background: 'var(--authpipe-connecting-background, light-dark(#eef1f6, #252c3d))',
    color: 'var(--authpipe-connecting-color, light-dark(#3d4861, #c3cbdd))',
    border: 'var(--authpipe-connecting-border, light-dark(#d5dbe7, #39425a))',
  },
  connected: {
    background: 'var(--authpipe-connected-background, light-dark(#eaf6ef, #14301f))',
    color: 'var(--authpipe-connected-color, light-dark(#11643a, #8fdcb0))',
    border: 'var(--authpipe-connected-border, light-dark(#bfe2cd, #24543a))',
  },
  needs_reconnect: {
    background: 'var(--authpipe-attention-background, light-dark(#fff3dc, #3a2a0a))',
    color: 'var(--authpipe-attention-color, light-dark(#7a4a00, #f5cd80))',
    border: 'var(--authpipe-attention-border, light-dark(#efd39a, #634a17))',
  },
  error: {
    background: 'var(--authpipe-error-background, light-dark(#fdecea, #3b1513))',
    color: 'var(--authpipe-error-color, light-dark(#96231a, #f6b0a9))',
    border: 'var(--authpipe-error-border, light-dark(#f2c3be, #6a2722))',
  },
};

/** The button's default look. Every state has the same size, so that nothing around it moves. */
export function buttonStyle(status: ConnectFlowStatus, disabled: boolean): CSSProperties {
  const { background, color, border } = TONES[status];
  return {
    display: 'inline-flex',
    alignItems: 'center',
    justifyContent: 'center',
    gap: '0.5em',
    boxSizing: 'border-box',
    minHeight: 'var(--authpipe-height, 2.75em)',
    minWidth: 'var(--authpipe-min-width, 12em)',
    padding: 'var(--authpipe-padding, 0.5em 1.1em)',
    border: `1px solid ${border}`,
    borderRadius: 'var(--authpipe-radius, 0.5em)',
    background,
    color,
    fontFamily: 'var(--authpipe-font-family, inherit)',
    fontSize: 'var(--authpipe-font-size, 0.9375rem)',
    fontWeight: 'var(--authpipe-font-weight, 600)',
    lineHeight: 1.25,
    cursor: disabled ? 'not-allowed' : status === 'connecting' ? 'progress' : 'pointer',
    opacity: disabled ? 0.55 : 1,
    textAlign: 'center',
  };
}

export const rootStyle: CSSProperties = {
  display: 'inline-flex',
  flexDirection: 'column',
  alignItems: 'flex-start',
  gap: '0.4em',
  maxWidth: '100%',
};

export const errorTextStyle: CSSProperties = {
  color: TONES.error.color,
  fontFamily: 'var(--authpipe-font-family, inherit)',
  fontSize: 'var(--authpipe-message-size, 0.8125rem)',
  lineHeight: 1.4,
  maxWidth: '28em',
};

/** Heard, not seen. */
export const announcedOnlyStyle: CSSProperties = {
  position: 'absolute',
  width: 1,
  height: 1,
  margin: -1,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
};
