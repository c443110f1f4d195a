internal import Mustache

/// A page that needs nothing else: text, tables, plots and pictures, for screens of all sizes and for paper.
package struct ReportPage: Sendable {
  /// A row of cells under a heading each; the first column stands left, the others right.
  package struct Table: Sendable {
    package var header: [String]
    package var rows: [[String]]
    /// What stands above it.
    package var caption: String?

    package init(_ header: [String], _ rows: [[String]], caption: String? = nil) {
      self.caption = caption
      self.header = header
      self.rows = rows
    }
  }

  /// A small grey picture with words.
  package struct Picture: Sendable {
    /// A `data:` address.
    package var address: String
    package var lines: [String]

    package init(address: String, lines: [String]) {
      self.address = address
      self.lines = lines
    }
  }

  /// A plot and the name that its file has, without ending.
  package struct Plot: Sendable {
    package var name: String
    package var drawing: Drawing

    package init(_ name: String, _ drawing: Drawing) {
      self.name = name
      self.drawing = drawing
    }
  }

  /// What belongs together under a heading.
  package struct Section: Sendable {
    package var title: String
    /// What the table of contents calls it; nil to leave it out there.
    package var link: String?
    package var paragraphs: [String] = []
    package var plots: [Plot] = []
    package var tables: [Table] = []
    package var pictures: [Picture] = []
    /// Text that is shown as it is.
    package var code: String?

    package init(_ title: String, link: String? = nil) {
      self.title = title
      self.link = link
    }
  }

  package var title: String
  package var subtitle: String
  /// The most important figures.
  package var figures: [(value: String, name: String)] = []
  package var sections: [Section] = []

  package init(title: String, subtitle: String) {
    self.title = title
    self.subtitle = subtitle
  }

  /// The page as HTML that is well-formed XML too.
  package func html() throws -> String {
    let numbered = sections.enumerated().map { index, section in
      [
        "id": "s\(index + 1)", "title": section.title, "hasLink": section.link != nil,
        "link": section.link ?? "", "paragraphs": section.paragraphs,
        "hasPlots": !section.plots.isEmpty, "plots": section.plots.map(\.drawing.element),
        "tables": section.tables.map { table in
          [
            "caption": table.caption.map { [$0] } ?? [], "header": table.header,
            "rows": table.rows.map { ["cells": $0] },
          ] as [String: Any]
        },
        "hasPictures": !section.pictures.isEmpty,
        "pictures": section.pictures.map { ["address": $0.address, "lines": $0.lines] as [String: Any] },
        "hasCode": section.code != nil, "code": section.code ?? "",
      ] as [String: Any]
    }
    let page: [String: Any] = [
      "title": title, "subtitle": subtitle, "css": PlotStyle.css,
      "figures": figures.map { ["value": $0.value, "name": $0.name] }, "sections": numbered,
    ]
    return try MustacheTemplate(string: Self.template).render(page)
  }

  private static let template = """
    <!DOCTYPE html>
    <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
    <head>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <meta name="color-scheme" content="light dark"/>
    <title>{{title}}</title>
    <style>
    :root { --ink: #1c2126; --muted: #5d6872; --grid: #dfe3e7; --paper: #ffffff; --card: #f6f7f8; --link: #1f5fa8 }
    @media (prefers-color-scheme: dark) {
    :root { --ink: #e8ebee; --muted: #9aa5af; --grid: #343c44; --paper: #14181c; --card: #1c2228; --link: #79b0f0 } }
    * { box-sizing: border-box }
    body { margin: 0 auto; padding: 1rem; max-width: 76rem; color: var(--ink); background: var(--paper);
      font: 16px/1.5 system-ui, 'DejaVu Sans', sans-serif }
    h1 { font-size: 1.6rem; margin: .5rem 0 0; overflow-wrap: anywhere }
    h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-top: 1px solid var(--grid); padding-top: 1rem;
      overflow-wrap: anywhere }
    .subtitle, nav, .names { color: var(--muted) } nav a { color: var(--link); margin-right: 1rem; white-space: nowrap }
    .figures { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; padding: 0; list-style: none }
    .figures li { background: var(--card); border-radius: .5rem; padding: .5rem .9rem }
    .figures b { display: block; font-size: 1.3rem }
    .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1rem }
    .plots svg { width: 100%; height: auto; max-width: 46rem }
    .table { overflow-x: auto } table { border-collapse: collapse; margin: .6rem 0; font-size: .9rem;
      font-variant-numeric: tabular-nums }
    th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--grid); text-align: right; white-space: nowrap }
    th:first-child, td:first-child { text-align: left; padding-left: 0 } th { color: var(--muted); font-weight: 500 }
    caption { text-align: left; font-weight: 600; padding-bottom: .2rem }
    .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: .8rem;
      margin: .6rem 0 } figure { margin: 0; font-size: .78rem; line-height: 1.35 }
    .pictures img { width: 5.6rem; image-rendering: pixelated; border-radius: .3rem; display: block;
      background: #000 }
    pre { background: var(--card); border-radius: .5rem; padding: .8rem; overflow-x: auto; font-size: .82rem }
    @media print { :root { --ink: #000; --muted: #444; --grid: #ccc; --paper: #fff; --card: #f4f4f4 }
      nav { display: none } body { max-width: none; padding: 0; font-size: 11pt } .plots { display: block }
      .plots svg { max-width: 13cm } pre { white-space: pre-wrap; overflow-wrap: anywhere }
      figure, tr, svg, .figures li { break-inside: avoid } h2 { break-after: avoid } }
    {{{css}}}
    @media (max-width: 34rem) { .plot text { font-size: 16px } .plot .title { font-size: 18px } }
    </style>
    </head>
    <body>
    <header>
    <h1>{{title}}</h1>
    <p class="subtitle">{{subtitle}}</p>
    <ul class="figures">{{#figures}}<li><b>{{value}}</b><span class="names">{{name}}</span></li>{{/figures}}</ul>
    <nav>{{#sections}}{{#hasLink}}<a href="#{{id}}">{{link}}</a> {{/hasLink}}{{/sections}}</nav>
    </header>
    <main>
    {{#sections}}
    <section id="{{id}}">
    <h2>{{title}}</h2>
    {{#paragraphs}}<p>{{.}}</p>
    {{/paragraphs}}
    {{#hasPlots}}<div class="plots">{{#plots}}{{{.}}}{{/plots}}</div>{{/hasPlots}}
    {{#tables}}<div class="table"><table>
    {{#caption}}<caption>{{.}}</caption>{{/caption}}
    <thead><tr>{{#header}}<th>{{.}}</th>{{/header}}</tr></thead>
    <tbody>{{#rows}}<tr>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}</tbody></table></div>
    {{/tables}}
    {{#hasPictures}}<div class="pictures">{{#pictures}}<figure><img src="{{{address}}}" alt="{{#lines}}{{.}} {{/lines}}"/><figcaption>{{#lines}}{{.}}<br/>{{/lines}}</figcaption></figure>
    {{/pictures}}</div>{{/hasPictures}}
    {{#hasCode}}<pre>{{code}}</pre>{{/hasCode}}
    </section>
    {{/sections}}
    </main>
    </body>
    </html>

    """
}
