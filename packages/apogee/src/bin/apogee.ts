// The program for those who name a source file; `bin/apogee.js` is the quicker way in.
await import(new URL('../../bin/apogee.js', import.meta.url).href)
