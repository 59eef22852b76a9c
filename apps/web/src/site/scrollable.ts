/** For what scrolls by itself, as a long line does: such a thing has to be reachable by keyboard. @see WCAG 2.2, 2.1.1 */
export const scrollable = (name: string) => ({ tabIndex: 0, role: 'region', 'aria-label': name });
