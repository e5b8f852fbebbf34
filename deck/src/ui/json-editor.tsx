import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { linter, lintGutter, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { findJsonFault } from "@/lib/json-fault";

interface JsonEditorProps {
  label: string;
  value: string;
  onChange?: (text: string) => void;
  /** Ctrl+S or ⌘S. */
  onSave?: () => void;
  readOnly?: boolean;
  invalid?: boolean;
  /** Any CSS length. */
  height?: string;
}

const look = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--json-key)" },
  { tag: tags.string, color: "var(--json-string)" },
  { tag: tags.number, color: "var(--json-number)" },
  { tag: [tags.bool, tags.null], color: "var(--json-word)" },
]);

const frame = EditorView.theme({
  "&": { fontSize: "12.5px", height: "100%", background: "var(--card)", color: "inherit" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55" },
  ".cm-gutters": {
    background: "transparent",
    color: "var(--faint)",
    borderRight: "1px solid var(--line)",
  },
  ".cm-activeLine": {
    backgroundColor: "color-mix(in srgb, var(--mantine-primary-color-filled) 7%, transparent)",
  },
  ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    {
      background: "color-mix(in srgb, var(--mantine-primary-color-filled) 28%, transparent)",
    },
  ".cm-panels": { background: "var(--page)", color: "inherit" },
  ".cm-tooltip": { background: "var(--card)", border: "1px solid var(--line-strong)" },
});

function faults(view: EditorView): Diagnostic[] {
  const text = view.state.doc.toString();
  const fault = text.trim() === "" ? undefined : findJsonFault(text);
  if (!fault) return [];
  const from = Math.min(fault.position, Math.max(0, text.length - 1));
  return [{ from, to: Math.min(text.length, from + 1), severity: "error", message: fault.reason }];
}

/** A text editor for JSON: numbers, folding, search (Ctrl+F) and faults marked where they are. */
export function JsonEditor(props: JsonEditorProps) {
  const { label, value, readOnly = false } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const handlers = useRef(props);
  useEffect(() => {
    handlers.current = props;
  });

  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: handlers.current.value,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          search({ top: true }),
          json(),
          readOnly ? [] : [linter(faults), lintGutter()],
          syntaxHighlighting(look),
          frame,
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({
            "aria-label": label,
            "aria-multiline": "true",
            tabindex: "0",
            spellcheck: "false",
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) handlers.current.onChange?.(update.state.doc.toString());
          }),
          keymap.of([
            {
              key: "Mod-s",
              run: () => {
                handlers.current.onSave?.();
                return true;
              },
            },
            ...defaultKeymap,
            ...historyKeymap,
            ...searchKeymap,
            ...foldKeymap,
            // Escape and then Tab leaves the editor, as the help dialog says.
            indentWithTab,
          ]),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, [label, readOnly]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  return (
    <div
      ref={host}
      style={{
        height: props.height ?? "420px",
        border: `1px solid ${props.invalid ? "var(--tone-bad)" : "var(--line-strong)"}`,
        borderRadius: "var(--mantine-radius-sm)",
        overflow: "hidden",
      }}
    />
  );
}
