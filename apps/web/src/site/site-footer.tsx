import type { ReactNode } from 'react';
import { Wordmark } from './wordmark.js';

/** The foot of every page. */
export function SiteFooter(): ReactNode {
  return (
    <footer className="site-footer">
      <div className="wrap site-footer-row">
        <div>
          <Wordmark />
          <p>Self-hosted. Your customers’ keys stay in your own database.</p>
        </div>
        <p className="site-footer-note">
          Provider names belong to their owners. The patterns beside them are ours and mean no endorsement.
        </p>
      </div>
    </footer>
  );
}
