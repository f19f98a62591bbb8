/** The language a peer says it is written in (Java: LanguageCode). JSON headers carry the name, binary ones the number. */
export const LanguageCode = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  NODE_JS: 13,
} as const

export type LanguageName = keyof typeof LanguageCode
export type LanguageCode = (typeof LanguageCode)[LanguageName]

const names: readonly string[] = Object.keys(LanguageCode)
const codes: ReadonlyMap<string, number> = new Map(Object.entries(LanguageCode))

/** The name of a language number, OTHER for one we do not know. */
export function languageName(code: number): string {
  return names[code] ?? 'OTHER'
}

/** The number of a language name, OTHER for one we do not know. */
export function languageCode(name: string): number {
  return codes.get(name) ?? LanguageCode.OTHER
}
