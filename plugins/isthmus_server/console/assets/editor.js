// Text fields with `data-editor` become editors; what is in an editor is in its field, so that forms need know nothing of it.
//
// An editor is in a shadow tree: there CodeMirror's styles are sheets that it adopts, which a content security policy without
// inline styles lets be; in the page itself they would be elements.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import {
  HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { linter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  EditorView, drawSelection, dropCursor, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const LANGUAGES = {
  javascript: () => [javascript()],
  typescript: () => [javascript({ typescript: true })],
  python: () => [python(), indentUnit.of("    ")],
  json: () => [json(), linter(jsonParseLinter(), { delay: 400 })],
};

// Colours are the page's own, which know of dark and light.
const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment, tags.meta], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--code-function)" },
  { tag: [tags.typeName, tags.className, tags.definition(tags.propertyName), tags.propertyName], color: "var(--code-name)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const LOOK = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--field)", height: "100%", fontSize: "var(--code-size)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--accent)", padding: "0.6rem 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-gutters": { backgroundColor: "var(--field)", color: "var(--faint)", border: "none", paddingLeft: "0.25rem" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--line)" },
  ".cm-selectionMatch": { backgroundColor: "var(--selection)" },
});

function editor(field) {
  const host = document.createElement("div");
  host.className = `editor ${field.dataset.size ?? ""}`;
  field.after(host);
  field.hidden = true;
  const root = host.attachShadow({ mode: "open" });
  const label = field.labels?.[0]?.textContent?.trim() ?? field.getAttribute("aria-label") ?? "";
  const fixed = field.readOnly;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: field.value,
      extensions: [
        lineNumbers(), foldGutter(), highlightSpecialChars(), history(), drawSelection(), dropCursor(), indentOnInput(),
        bracketMatching(), closeBrackets(), autocompletion(), highlightActiveLine(), highlightActiveLineGutter(),
        highlightSelectionMatches(), syntaxHighlighting(COLOURS), LOOK,
        EditorState.readOnly.of(fixed),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            field.value = update.state.doc.toString();
            field.dispatchEvent(new Event("input", { bubbles: true }));
          }
        }),
        // Tab indents where the focus has been put into the editor on purpose; Escape and then Tab leaves it.
        keymap.of([
          { key: "Tab", run: acceptCompletion }, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap,
          ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab,
        ]),
        ...(LANGUAGES[field.dataset.editor] ?? (() => []))(),
      ],
    }),
  });
  field.addEventListener("isthmus:filled", () => {
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: field.value } });
  });
  field.labels?.forEach((each) => each.addEventListener("click", () => view.focus()));
  host.view = view;
}

export function editors(root) {
  for (const field of root.querySelectorAll("textarea[data-editor]")) editor(field);
}

/** Ctrl-Enter (or Cmd-Enter) presses the form's button for it, ctrl-S the one that saves. */
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey)) return;
  const name = { Enter: "run", s: "save" }[event.key];
  const button = name && document.querySelector(`button[data-key="${name}"]`);
  if (!button) return;
  event.preventDefault();
  event.stopPropagation();
  button.click();
}, { capture: true });
