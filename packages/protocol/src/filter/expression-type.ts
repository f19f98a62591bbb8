/** Kinds of subscription (Java ExpressionType). */
export const ExpressionType = { TAG: 'TAG', SQL92: 'SQL92' } as const

/** Clients older than SQL92 send no type; they mean tags. */
export function isTagType(type: string | null | undefined): boolean {
  return type === null || type === undefined || type === '' || type === ExpressionType.TAG
}
