/**
 * The keys of the page, as in a mail reader: `onStep` is told how far to go in the list, with infinity for its
 * ends, and `onEscape` that somebody has read enough. `inList` says whether the list has the focus: there the
 * arrows belong to it, elsewhere they scroll.
 */
export function wireKeys({ inList, onStep, onEscape }) {
  addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(target)) return;
    if (key === 'Escape') {
      onEscape();
      return;
    }
    const step = ANYWHERE[key] ?? (inList() ? IN_LIST[key] : undefined);
    if (step === undefined) return;
    event.preventDefault();
    onStep(step);
  });
}

const ANYWHERE = { j: 1, k: -1 };
const IN_LIST = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 10,
  PageUp: -10,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** Whether letters go into a field. A choice such as Raw or Hex has the focus, but takes none. */
function isTyping(target) {
  const field = target.closest?.('input, textarea, select');
  return field !== null && field !== undefined && field.type !== 'radio';
}
