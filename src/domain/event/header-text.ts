const utf8 = new TextEncoder();

/**
 * Text as the value of a header: UTF-8 with a space, a quote, a percent sign and whatever is not printable
 * ASCII percent-encoded (CloudEvents 1.0.2, HTTP protocol binding, 3.1.3.2).
 */
export function headerText(value: string): string {
  if (!/[^\x21-\x7e]|["%]/.test(value)) return value;
  let text = '';
  for (const byte of utf8.encode(value)) {
    const plain = byte >= 0x21 && byte <= 0x7e && byte !== 0x22 && byte !== 0x25;
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
