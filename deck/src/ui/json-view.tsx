import { IconChevronRight } from "@tabler/icons-react";
import { useState, type CSSProperties } from "react";
import { isObject } from "@/lib/records";
import classes from "./json-view.module.css";

interface JsonViewProps {
  value: unknown;
  /** How many levels are open at first. */
  openDepth?: number;
}

/** JSON as a tree whose branches open and close; closed branches are not rendered. */
export function JsonView({ value, openDepth = 1 }: JsonViewProps) {
  return (
    <div className={classes["tree"]}>
      <Node name={undefined} value={value} depth={0} openDepth={openDepth} />
    </div>
  );
}

/** Entries shown of one branch before asking; a rendered chart can have thousands. */
const PAGE = 100;

interface NodeProps {
  name: string | undefined;
  value: unknown;
  depth: number;
  openDepth: number;
}

function Node({ name, value, depth, openDepth }: NodeProps) {
  const branch = Array.isArray(value) || isObject(value);
  const [open, setOpen] = useState(depth < openDepth);
  const [shown, setShown] = useState(PAGE);
  const style = { "--depth": depth } as CSSProperties;
  const label = name === undefined ? undefined : <span className={classes["key"]}>{name}: </span>;
  if (!branch) {
    return (
      <div className={classes["row"]} style={style}>
        <span className={classes["spacer"]} />
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item, index) => [String(index), item as unknown])
    : Object.entries(value);
  const brackets = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) {
    return (
      <div className={classes["row"]} style={style}>
        <span className={classes["spacer"]} />
        {label}
        <span className={classes["summary"]}>{brackets.join("")}</span>
      </div>
    );
  }
  const count = `${entries.length} ${Array.isArray(value) ? "item" : "key"}${entries.length === 1 ? "" : "s"}`;
  return (
    <>
      <div className={classes["row"]} style={style}>
        <button
          type="button"
          className={classes["toggle"]}
          aria-expanded={open}
          aria-label={`${open ? "Collapse" : "Expand"} ${name ?? "all"}`}
          onClick={() => setOpen(!open)}
        >
          <IconChevronRight size={12} />
        </button>
        {label}
        <span className={classes["summary"]}>
          {open ? brackets[0] : `${brackets[0]} ${count} ${brackets[1]}`}
        </span>
      </div>
      {open && (
        <>
          {entries.slice(0, shown).map(([key, item]) => (
            <Node key={key} name={key} value={item} depth={depth + 1} openDepth={openDepth} />
          ))}
          {entries.length > shown && (
            <div className={classes["row"]} style={{ "--depth": depth + 1 } as CSSProperties}>
              <span className={classes["spacer"]} />
              <button
                type="button"
                className={classes["more"]}
                onClick={() => setShown(shown + PAGE)}
              >
                Show {Math.min(PAGE, entries.length - shown)} more of {entries.length}
              </button>
            </div>
          )}
          <div className={classes["row"]} style={style}>
            <span className={classes["spacer"]} />
            <span className={classes["summary"]}>{brackets[1]}</span>
          </div>
        </>
      )}
    </>
  );
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === "string") {
    return (
      <span className={classes["text"]}>
        {value === "" || /^\s|\s$/.test(value) ? JSON.stringify(value) : value}
      </span>
    );
  }
  if (typeof value === "number") return <span className={classes["number"]}>{value}</span>;
  return <span className={classes["word"]}>{String(value)}</span>;
}
