export interface JsonFault {
  /** Offset of the first character that cannot be. */
  position: number;
  reason: string;
}

/**
 * Where text stops being JSON, and why, in words for people. Browsers agree on neither the words nor
 * on whether they say where. Undefined for valid JSON.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    const scanner = new Scanner(text);
    scanner.value();
    scanner.end();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

class Fault extends Error implements JsonFault {
  readonly position: number;
  readonly reason: string;
  constructor(position: number, reason: string) {
    super(reason);
    this.position = position;
    this.reason = reason;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;

class Scanner {
  private at = 0;
  private readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  value(): void {
    this.space();
    const start = this.text.charAt(this.at);
    if (start === "{") this.members("}", "a name in double quotes", () => this.member());
    else if (start === "[") this.members("]", "a value", () => this.value());
    else if (start === '"') this.string();
    else if (start === "'") this.fail("text needs double quotes");
    else if (/[-\d]/.test(start)) this.number();
    else this.word();
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) this.fail("nothing may follow the last bracket");
  }

  private members(close: string, wanted: string, member: () => void): void {
    const opened = this.at++;
    this.space();
    if (this.take(close)) return;
    for (;;) {
      this.space();
      if (this.text.charAt(this.at) === close) this.fail(`${wanted} must follow the comma`);
      member();
      this.space();
      if (this.take(close)) return;
      if (this.at >= this.text.length) {
        this.fail(`the ${this.text.charAt(opened)} of line ${this.lineOf(opened)} is not closed`);
      }
      if (!this.take(",")) this.fail(`a comma or ${close} is missing`);
    }
  }

  private member(): void {
    if (this.text.charAt(this.at) !== '"') this.fail("a name in double quotes is needed");
    this.string();
    this.space();
    if (!this.take(":")) this.fail("a colon is missing");
    this.value();
  }

  private string(): void {
    const opened = this.at++;
    for (;;) {
      const char = this.text.charAt(this.at);
      if (char === "") this.fail(`the text of line ${this.lineOf(opened)} is not closed`);
      if (char < " ") this.fail("a line break or tab in a text must be written as \\n or \\t");
      this.at++;
      if (char === '"') return;
      if (char !== "\\") continue;
      const escape = /^(?:["\\/bfnrt]|u[\da-fA-F]{4})/.exec(this.text.slice(this.at, this.at + 5));
      if (!escape) this.fail('after \\ comes one of " \\ / b f n r t u');
      this.at += escape?.[0].length ?? 1;
    }
  }

  private number(): void {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text)?.[0];
    if (found === undefined) this.fail("this is not a number");
    else this.at += found.length;
    if (/[\w.+-]/.test(this.text.charAt(this.at))) this.fail("this is not a number");
  }

  private word(): void {
    WORD.lastIndex = this.at;
    const found = WORD.exec(this.text)?.[0];
    if (found === "true" || found === "false" || found === "null") {
      this.at += found.length;
      return;
    }
    if (found) this.fail(`${found} needs double quotes`);
    if (this.at >= this.text.length) this.fail("a value is missing at the end");
    this.fail(`${this.text.charAt(this.at)} cannot stand here; a value is needed`);
  }

  private space(): void {
    while (/[ \t\n\r]/.test(this.text.charAt(this.at))) this.at++;
  }

  private take(char: string): boolean {
    if (this.text.charAt(this.at) !== char) return false;
    this.at++;
    return true;
  }

  private lineOf(position: number): number {
    return this.text.slice(0, position).split("\n").length;
  }

  private fail(reason: string): never {
    throw new Fault(this.at, reason);
  }
}
