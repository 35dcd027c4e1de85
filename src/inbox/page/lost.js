import { announce, byId, clockTime, serverTime, showTime } from './dom.js';

/** What is lost in two words, by the reason that Carillon gave, if it gave one. */
export const lostTitle = ({ why }) => (why === undefined ? 'Connection lost' : 'Not live');

/**
 * Says at the top of a page that Carillon does not answer, since when, and what is done about it; `onTry` is
 * to try at once. Nothing of it is seen while all is well.
 */
export function createLost(onTry) {
  const notice = byId('lost');
  byId('lost-try').addEventListener('click', onTry);

  return {
    /** `since` is when it was last known to answer; `why` what it said, if it said anything. */
    show({ since, why }) {
      const at = clockTime(since);
      byId('lost-title').textContent = lostTitle({ why });
      byId('lost-words').textContent =
        why === undefined
          ? `Carillon has not answered since ${at}. Shown here is what had come by then; this page tries again every few seconds.`
          : `Carillon does not let this page watch: ${why} Shown here is what had come by ${at}; this page tries again every few seconds.`;
      showTime(byId('lost-ago'), serverTime(since), true);
      if (notice.hidden) announce(`${byId('lost-title').textContent}. ${byId('lost-words').textContent}`);
      notice.hidden = false;
    },

    hide() {
      if (!notice.hidden) announce('Connected to Carillon again');
      notice.hidden = true;
    },
  };
}
