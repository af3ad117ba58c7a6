"""How the report's page looks on a screen and on paper; no font, picture or script from outside."""

COLOURS = {
    "violated": "#c0392b",
    "partial": "#d68910",
    "unknown": "#7d6aa5",
    "pending": "#8a97a3",
    "conform": "#1e8449",
    "not_applicable": "#d5dbdf",
}

CSS = """
body{font:15px/1.6 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",sans-serif;color:#1c2833;margin:0;background:#fff}
main{max-width:1180px;margin:0 auto;padding:16px}
h1{font-size:26px}h2{font-size:20px;margin-top:32px;border-bottom:2px solid #1f618d}
.en{color:#566573;font-size:.86em}
table{border-collapse:collapse;width:100%;margin:8px 0}
th,td{border:1px solid #d5dbdf;padding:4px 8px;text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{background:#eaf0f4}.facts th{width:13em;background:#f5f8fa}
.notes{background:#fef9e7;border:1px solid #d68910;padding:8px 8px 8px 28px}
.v{white-space:nowrap}
.v.violated{color:#a93226}.v.partial{color:#9a6206}.v.unknown{color:#5f4b8b}.v.pending{color:#566573}
.v.conform{color:#196f3d}.v.not_applicable{color:#566573}
pre{background:#f5f8fa;border:1px solid #d5dbdf;padding:8px;white-space:pre-wrap;overflow-wrap:anywhere;max-height:32em;overflow:auto}
@media screen and (max-width:760px){table{display:block;overflow-x:auto}th,td{overflow-wrap:normal;min-width:4em}.facts td{overflow-wrap:anywhere}}
details{margin:4px 0}summary{cursor:pointer;overflow-wrap:anywhere}dt{font-weight:bold}dd{margin:0 0 4px 1em}
svg{width:100%;height:auto}
@media print{main{max-width:none;padding:0}tr{break-inside:avoid}pre{max-height:none}a{color:inherit;text-decoration:none}}
"""
