"""How the daily report looks on a screen and on paper; no font, picture or script from outside."""

CSS = """
body{font:14px/1.55 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",sans-serif;color:#18242b;margin:0;background:#fff}
main{max-width:1080px;margin:0 auto;padding:16px}
h1{font-size:22px}h2{font-size:16px;margin:22px 0 6px;border-bottom:2px solid #0b6370}
.en{color:#53626b;font-size:.84em;font-weight:400}.quiet{color:#53626b}.bad{color:#b0231c;font-weight:700}
table{border-collapse:collapse;width:100%;margin:6px 0}
th,td{border:1px solid #dbe1e4;padding:3px 7px;text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{background:#eef2f4}.num{text-align:right;font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(120px,1fr));gap:8px;margin:10px 0}
.figures div{border:1px solid #dbe1e4;padding:6px 10px}.figures dt{color:#53626b;font-size:.86em}
.figures dd{margin:0;font-size:20px;font-weight:650}
svg{width:100%;height:auto;display:block;margin:6px 0}code{overflow-wrap:anywhere}
@media print{@page{size:A4;margin:14mm}main{max-width:none;padding:0}section,tr{break-inside:avoid}body{font-size:11px}}
"""
