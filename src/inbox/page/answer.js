import { answerSummary, ask, byId, element } from './dom.js';

/** What one tries first, each with what it shows. What is left out has its default. */
const PRESETS = [
  { label: 'Accept', title: 'Answers 200 at once', answer: {} },
  {
    label: 'Fail twice, then accept',
    title: 'Two 503, then 200: shows the retries',
    answer: { failNext: 2 },
  },
  { label: 'Always fail', title: 'Answers 503 until you set another', answer: { status: 503 } },
  {
    label: 'Rate limit',
    title: 'Answers 429 and asks to wait for 10 seconds',
    answer: { status: 429, retryAfter: 10 },
  },
  {
    label: 'Too slow',
    title: 'Answers after 20 s: later than the usual timeout',
    answer: { delayMs: 20_000 },
  },
  { label: 'Gone', title: 'Answers 410, upon which Carillon disables the webhook', answer: { status: 410 } },
];

/** What a field is that an answer leaves out. */
const DEFAULT = { status: 200, delayMs: 0, retryAfter: null, failNext: 0, failStatus: 503 };

/** The form that sets how an inbox answers. */
export function createAnswer(inbox) {
  const form = byId('answer');
  const toggle = byId('answer-toggle');
  const field = (name) => form.elements.namedItem(name);

  async function set(answer) {
    const error = byId('answer-error');
    error.hidden = true;
    try {
      const response = await ask(`/inbox/${inbox}/answer`, { method: 'PUT', body: JSON.stringify(answer) });
      fill(await response.json());
    } catch (cause) {
      error.textContent = cause.message;
      error.hidden = false;
    }
  }

  function fill(answer) {
    field('status').value = answer.status;
    field('delay').value = answer.delayMs / 1000;
    field('retryAfter').value = answer.retryAfter ?? '';
    field('failNext').value = answer.failNext;
    field('failStatus').value = answer.failStatus;
  }

  function open(shown) {
    form.hidden = !shown;
    toggle.setAttribute('aria-expanded', String(shown));
  }

  /** Each preset's button, with the answer it stands for. */
  const presets = new Map();
  for (const { label, title, answer } of PRESETS) {
    const button = element('button', '', label);
    presets.set(button, { ...DEFAULT, ...answer });
    button.type = 'button';
    button.title = title;
    button.addEventListener('click', () => void set(answer));
    byId('presets').append(button);
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const retryAfter = field('retryAfter').value;
    void set({
      status: field('status').valueAsNumber,
      delayMs: Math.round(field('delay').valueAsNumber * 1000),
      retryAfter: retryAfter === '' ? null : Number(retryAfter),
      failNext: field('failNext').valueAsNumber,
      failStatus: field('failStatus').valueAsNumber,
    });
  });
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    open(false);
    toggle.focus();
  });
  toggle.addEventListener('click', () => open(form.hidden));

  return {
    show(answer) {
      // Whoever opened the form before would type into empty fields, and could not set it.
      toggle.disabled = false;
      byId('answer-summary').textContent = answerSummary(answer);
      for (const [button, preset] of presets) {
        const same = Object.keys(DEFAULT).every((name) => preset[name] === answer[name]);
        button.setAttribute('aria-pressed', String(same));
      }
      toggle.dataset.tone = answer.failNext > 0 || answer.status >= 300 ? 'bad' : 'ok';
      // What somebody is typing is not overwritten by what another page or a script sets.
      if (!form.contains(document.activeElement)) fill(answer);
    },
  };
}
