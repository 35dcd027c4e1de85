import { announce, byId, clockTime, serverTime, showTime } from './dom.js';

/**
 * Says at the top of a page that Carillon does not answer, since when, and what is done about it; `onTry` is
 * to try at once. Nothing of it is seen while all is well.
 */
export function createLost(onTry) {
  let isLost = false;
  byId('lost-try').addEventListener('click', onTry);

  return {
    /** `since` is when it was last known to answer; `why` what it said, if it said anything. */
    show({ since, why }) {
      const at = clockTime(since);
      byId('lost-title').textContent = why === undefined ? 'Connection lost' : 'Not live';
      byId('lost-words').textContent =
        why === undefined
          ? `Carillon has not answered since ${at}. Shown here is what had come by then; this page tries again every few seconds.`
          : `Carillon does not let this page watch: ${why} Shown here is what had come by ${at}; this page tries again every few seconds.`;
      showTime(byId('lost-ago'), serverTime(since), true);
      byId('lost').hidden = false;
      if (!isLost) announce(`${byId('lost-title').textContent}. ${byId('lost-words').textContent}`);
      isLost = true;
    },

    hide() {
      if (isLost) announce('Connected to Carillon again');
      isLost = false;
      byId('lost').hidden = true;
    },
  };
}
