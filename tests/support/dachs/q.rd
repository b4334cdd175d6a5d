<!-- What scripts/dachs publishes: plates that ObsCore leads to, plates that DataLink tells of, one under embargo, a survey with
more targets than a level shows and with names that are none, and a table of stars. -->
<resource schema="astrofs" resdir="astrofs">
  <meta name="title">Plates of nowhere</meta>
  <meta name="creationDate">2024-01-01T00:00:00</meta>
  <meta name="description">Made up.</meta>
  <meta name="subject">observational-astronomy</meta>
  <meta name="creator">Nobody</meta>
  <meta name="instrument">Double astrograph</meta>

  <STREAM id="exposure">
    <column name="object" type="text" ucd="meta.id;src" description="What was pointed at"/>
    <column name="exptime" type="real" unit="s" ucd="time.duration;obs.exposure" description="How long"/>
  </STREAM>

  <STREAM id="mapped">
    <rowmaker>
      <map dest="object">@OBJECT</map>
      <map dest="exptime">@EXPTIME</map>
      <apply procDef="//siap#setMeta">
        <bind key="title">"%s %s"%(@OBJECT, @DATE_OBS)</bind>
        <bind key="dateObs">@DATE_OBS</bind>
        <bind key="bandpassId">@FILTER</bind>
        <bind key="pixflags">"Z"</bind>
      </apply>
      <apply procDef="//siap#getBandFromFilter"/>
      <apply procDef="//siap#computePGS"/>
    </rowmaker>
  </STREAM>

  <table id="plates" onDisk="True" mixin="//siap#pgs" adql="True">
    <mixin collectionName="'PLATES'" targetName="object" expTime="exptime" calibLevel="1">//obscore#publishSIAP</mixin>
    <FEED source="exposure"/>
  </table>
  <data id="import_plates">
    <sources pattern="plates/*.fits"/>
    <fitsProdGrammar>
      <rowfilter procDef="//products#define"><bind key="table">"\schema.plates"</bind></rowfilter>
    </fitsProdGrammar>
    <make table="plates"><FEED source="mapped"/></make>
  </data>

  <table id="private" onDisk="True" mixin="//siap#pgs" adql="True">
    <mixin collectionName="'PRIVATE'" targetName="object" expTime="exptime">//obscore#publishSIAP</mixin>
    <FEED source="exposure"/>
  </table>
  <data id="import_private">
    <sources pattern="private/*.fits"/>
    <fitsProdGrammar>
      <rowfilter procDef="//products#define">
        <bind key="table">"\schema.private"</bind>
        <bind key="owner">"observers"</bind>
        <bind key="embargo">datetime.date(2999, 1, 1)</bind>
      </rowfilter>
    </fitsProdGrammar>
    <make table="private"><FEED source="mapped"/></make>
  </data>

  <table id="linked" onDisk="True" mixin="//siap#pgs" adql="True">
    <mixin collectionName="'LINKED'" targetName="object" expTime="exptime"
      obsId="substring(accref from 'DR[0-9]+')"
      accessURL="'\getConfig{web}{serverURL}/astrofs/q/dl/dlmeta?ID='
        || gavo_urlescape('ivo://\getConfig{ivoa}{authority}/~?' || accref)"
      mime="'application/x-votable+xml;content=datalink'" size="10">//obscore#publishSIAP</mixin>
    <FEED source="exposure"/>
  </table>
  <data id="import_linked">
    <sources pattern="linked/*.fits"/>
    <fitsProdGrammar>
      <rowfilter procDef="//products#define"><bind key="table">"\schema.linked"</bind></rowfilter>
    </fitsProdGrammar>
    <make table="linked"><FEED source="mapped"/></make>
  </data>

  <service id="dl" allowed="dlget,dlmeta,static">
    <meta name="title">What belongs to a plate</meta>
    <property name="staticData">more</property>
    <datalinkCore>
      <descriptorGenerator procDef="//soda#fits_genDesc"/>
      <metaMaker semantics="#flat"><code>
        yield descriptor.makeLinkFromFile("more/flat.fits", description="The flat field", contentType="image/fits")
      </code></metaMaker>
      <metaMaker semantics="#auxiliary"><code>
        plate = os.path.splitext(os.path.basename(descriptor.accref))[0]
        yield descriptor.makeLinkFromFile("more/%s.txt"%plate, description="Notes", contentType="text/plain")
      </code></metaMaker>
      <metaMaker semantics="#weight"><code>
        yield descriptor.makeLinkFromFile("more/weights.fits", description="Nobody has made them")
      </code></metaMaker>
      <FEED source="//soda#fits_standardDLFuncs"/>
    </datalinkCore>
  </service>

  <table id="survey" onDisk="True" adql="True">
    <meta name="description">Fields of a survey; each has one and the same plate.</meta>
    <mixin dataproduct_type="'image'" collectionName="'SURVEY'" obsId="field" targetName="target" title="field"
      did="'ivo://\getConfig{ivoa}{authority}/survey?' || field"
      accessURL="'\getConfig{web}{serverURL}/getproduct/astrofs/plates/GS00700_x.fits'" mime="'image/fits'" size="1"
      preview="NULL">//obscore#publish</mixin>
    <column name="field" type="text" required="True" description="Number of the field"/>
    <column name="target" type="text" description="What is in its middle"/>
    <viewStatement>
      CREATE VIEW \qName AS (
        SELECT 'F' || lpad(n::text, 6, '0') AS field, 'TIC ' || (1000000 + n) AS target FROM generate_series(0, 30499) AS n
        UNION ALL SELECT 'X0', '../../etc/passwd' UNION ALL SELECT 'X1', '..' UNION ALL SELECT 'X2', 'it''s "A" Cen'
        UNION ALL SELECT 'X3', NULL UNION ALL SELECT 'X4', ' 50 of  two')
    </viewStatement>
  </table>
  <data id="make_survey"><make table="survey"/></data>

  <table id="stars" onDisk="True" adql="True" primary="id">
    <meta name="description">Stars, of every type that a column has.</meta>
    <column name="id" type="bigint" required="True" ucd="meta.id;meta.main" description="Number"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main" description="Right ascension"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main" description="Declination"/>
    <column name="mag" type="real" unit="mag" ucd="phot.mag" description="Magnitude; not of all"/>
    <column name="name" type="unicode" ucd="meta.id" description="What people call it; not of all"/>
    <column name="plates" type="smallint" required="True" ucd="meta.number" description="On how many it is"/>
    <column name="variable" type="boolean" required="True" ucd="meta.code" description="Does it vary"/>
    <column name="seen" type="timestamp" ucd="time.epoch" description="When last"/>
    <column name="colours" type="real[3]" ucd="phot.color" description="Three colours"/>
  </table>
  <data id="import_stars">
    <sources items="300"/>
    <embeddedGrammar><iterator><code>
      for n in range(int(self.sourceToken)):
        yield {"id": 6000000000+n, "ra": 0.1*n, "dec": -30+0.1*n, "mag": None if n%7==0 else 9.5+n/64.0,
          "name": None if n%5 else "star «%d», 'the %dth'"%(n, n), "plates": n%40, "variable": n%3==0,
          "seen": "1984-03-01T12:00:%02d"%(n%60), "colours": [n*0.5, 0.25, -1.0]}
    </code></iterator></embeddedGrammar>
    <make table="stars"><rowmaker idmaps="*"/></make>
  </data>
</resource>
