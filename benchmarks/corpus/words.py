"""Words of icons' names that say nothing of what an icon shows, or not enough."""

from __future__ import annotations

# How a mark is drawn, at the end of its name.
BRAND_STYLE = frozenset(
    "icon icons logo wordmark original plain color colored colour dark light line lines "
    "filled fill outline outlined square squared circle circled mono monochrome badge text "
    "combine brand avatar alt negative inverted black white grayscale solid bold thin duotone "
    "regular rounded sharp horizontal vertical symbol mark glyph flat app brands official 16 "
    "20 24 32 48".split()
)
# The same of an everyday icon.
ICON_STYLE = BRAND_STYLE | frozenset(
    "twotone two tone semi medium xs sm lg small large round off on variant linear broken "
    "baseline remix".split()
)
# Icons by these names stand in logo sets and mean no brand, or each time another one.
GENERIC = frozenset(
    "api app apps architecture assembly audio authors bank basic binary bird blog book books "
    "bot calendar camera card cart cash cat certificate changelog chat check circle clock "
    "cloud code config console contributing credits csv data database default diff docs "
    "document documentation dog editor email excel favicon feed file files fire fish flash "
    "flower folder font generic globe group health heart home image images json key leaf "
    "license light like link location lock log mail makefile map message money moon music "
    "news none other package patch pause pdf phone photo pin play plugin powerpoint python2 "
    "readme rest roadmap robot robots rss script search security server setting settings "
    "share shell shop sitemap source sql square star storage store sun table temp template "
    "terminal test tests text todo travel tree triangle unknown url user users video water "
    "web website word world xml yaml zip".split()
)
# Brands by these names are drawn in logo sets, everyday things in sets of icons.
AMBIGUOUS = frozenset(
    "ace ai anchor arc atom beam boat bolt box broccoli buddy buffer bug cake canvas cell "
    "chart coffee command compass component crown crystal cube cursor dash desktop diamond "
    "dice discover disk dot drone drop eagle echo element ember energy eraser escape express "
    "feather figure filter finder flag flow focus forge fork format frame game gear gem ghost "
    "gift glass goal grab grain graph grid hammer handle hash hat helm hive hook ice ico ie "
    "inbox ink insert iris ivy jar joy key kind kite ladder lamp launch layers leap lens "
    "level light lightbulb lightning line list lit local locust log logic loom loop magic "
    "maps mask matrix maze media memory menu merge mermaid mesh meteor metro mint mirror mix "
    "moon motion mouse nano native nest net note nut oak open orange orbit oxygen pad paint "
    "paper path pawn pear pen pi pin pipeline pixel plane planet plus pointer polygon port "
    "power print prism probot pulse pump puzzle radar radio rainbow raspberry record relay "
    "render ribbon ring robot rocket rook root route router ruler safe sail salt sand scale "
    "scout screen send sense sensor sequence serve server shield ship signal simple skeleton "
    "slides snap sound space spark spectrum speech speed spring sprout square stack stackedit "
    "stamp storm stream sun swap swarm switch sword sync tag tails tank tap tape target time "
    "token torch tower track tree trend trophy tv umbrella union uno up usb valve vault view "
    "volume watch wave web wine wing wolf word year yoga zap".split()
)
