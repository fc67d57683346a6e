/**
 * TypeScript with its comments, and if wanted its strings and regular expressions, replaced by spaces: lines and
 * columns stay. Rules that look for a word in code then do not stumble over prose. Code inside `${}` stays code.
 */
export function blankComments(text: string): string {
  return blank(text, false);
}

export function blankProse(text: string): string {
  return blank(text, true);
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y;
const QUOTED = /'(?:\\.|[^'\\\n])*'?|"(?:\\.|[^"\\\n])*"?/y;
const REGEXP = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const TEMPLATE_PART = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{|$)/y;
// A slash divides after a value, and begins a regular expression elsewhere.
const BEFORE_REGEXP = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of))\s*$/;

function blank(text: string, strings: boolean): string {
  let out = '';
  let at = 0;
  // One entry per template that is open: how many braces are open in its current `${}`.
  const braces: number[] = [];
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const put = (part: string, hide: boolean) => {
    out += hide ? part.replace(/[^\n]/g, ' ') : part;
    at += part.length;
  };
  const templatePart = () => {
    const part = take(TEMPLATE_PART) ?? '';
    put(part, strings);
    if (part.endsWith('${')) braces.push(0);
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    const depth = braces.at(-1);
    const comment = take(COMMENT);
    const quoted = comment ?? take(QUOTED);
    const regexp =
      quoted === null && char === '/' && BEFORE_REGEXP.test(out.slice(-40)) ? take(REGEXP) : null;
    if (comment !== null) put(comment, true);
    else if (quoted !== null) put(quoted, strings);
    else if (regexp !== null) put(regexp, strings);
    else if (char === '`') {
      put(char, strings);
      templatePart();
    } else if (char === '}' && depth === 0) {
      braces.pop();
      put(char, strings);
      templatePart();
    } else {
      if (depth !== undefined && char === '{') braces[braces.length - 1] = depth + 1;
      if (depth !== undefined && char === '}') braces[braces.length - 1] = depth - 1;
      put(char, false);
    }
  }
  return out;
}
