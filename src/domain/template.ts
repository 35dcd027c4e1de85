/** What a run sends. */
export interface Payload {
  readonly body:
    | { readonly kind: 'template'; readonly source: string }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'data'; readonly data: Uint8Array };
  /** The media type. */
  readonly contentType: string;
}
