// Keeps the keyboard's place. Closing a tool or ending a session removes the very button that was pressed; whoever
// walks by keyboard then goes on from the panel's heading instead of from the beginning of the window.

/** Watches until the returned function is called. */
export function keepFocus(): () => void {
  let last: Element | null = null;
  const remember = (): void => void (last = document.activeElement);
  const look = (): void => {
    if (document.activeElement !== document.body || last === null || last.isConnected) return;
    last = null;
    document.querySelector<HTMLElement>('main h1')?.focus();
  };
  const watching = new MutationObserver(look);
  watching.observe(document.body, { childList: true, subtree: true });
  document.addEventListener('focusin', remember);
  return () => {
    watching.disconnect();
    document.removeEventListener('focusin', remember);
  };
}
