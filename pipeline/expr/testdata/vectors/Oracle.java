import com.fasterxml.jackson.databind.*;
import com.fasterxml.jackson.core.type.TypeReference;
import com.netflix.spinnaker.kork.expressions.*;
import com.netflix.spinnaker.kork.expressions.allowlist.*;
import com.netflix.spinnaker.orca.jackson.OrcaObjectMapper;
import com.netflix.spinnaker.orca.pipeline.util.ContextParameterProcessor;
import com.netflix.spinnaker.orca.pipeline.model.*;
import com.netflix.spinnaker.orca.api.pipeline.models.*;
import java.io.*;
import java.util.*;
import java.lang.reflect.*;

public class Oracle {
  public static void main(String[] a) throws Exception {
    if (a.length > 0 && a[0].equals("methods")) { methods(); return; }
    ObjectMapper plain = new ObjectMapper();
    ObjectMapper orca = OrcaObjectMapper.getInstance();
    ContextParameterProcessor cpp = new ContextParameterProcessor();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
    String line;
    while ((line = in.readLine()) != null) {
      if (line.isBlank()) continue;
      Map<String,Object> req = plain.readValue(line, LinkedHashMap.class);
      Map<String,Object> res = new LinkedHashMap<>(req);
      try {
        boolean allow = !Boolean.FALSE.equals(req.get("allowUnknown"));
        Map<String,Object> context = (Map<String,Object>) req.get("context");
        if (context == null) context = new LinkedHashMap<>();
        Map<String,Object> ctx;
        if (req.get("execution") != null) {
          PipelineExecutionImpl e = orca.convertValue(req.get("execution"), PipelineExecutionImpl.class);
          for (StageExecution s : e.getStages()) s.setExecution(e);
          if (req.get("stage") != null) {
            StageExecution s = e.stageById((String) req.get("stage"));
            ctx = cpp.buildExecutionContext(s);
          } else {
            ctx = cpp.buildExecutionContext(e);
          }
        } else ctx = context;
        ExpressionEvaluationSummary sum = new ExpressionEvaluationSummary();
        Map<String,Object> src = new LinkedHashMap<>();
        src.put("v", req.get("expr"));
        Map<String,Object> r = cpp.process(src, ctx, allow, sum);
        Object v = r.get("v");
        res.put("result", plain.readValue(orca.writeValueAsString(v), Object.class));
        res.put("type", v == null ? "null" : v.getClass().getSimpleName());
        if (sum.getFailureCount() > 0) {
          Map<String,Object> s = new LinkedHashMap<>();
          for (Map.Entry<String, Set<ExpressionEvaluationSummary.Result>> en : sum.getExpressionResult().entrySet()) {
            List<Object> l = new ArrayList<>();
            for (ExpressionEvaluationSummary.Result x : en.getValue()) {
              Map<String,Object> m = new LinkedHashMap<>();
              m.put("level", String.valueOf(x.getLevel())); m.put("description", x.getDescription()); m.put("exceptionType", x.getExceptionType()==null?null:x.getExceptionType().getName());
              l.add(m);
            }
            s.put(en.getKey(), l);
          }
          res.put("summary", s);
        }
      } catch (Throwable t) {
        res.put("crash", String.valueOf(t));
      }
      out.println(plain.writeValueAsString(res));
    }
    out.flush();
  }
  static String tn(Class<?> c) { return c.isArray() ? tn(c.getComponentType())+"[]" : c.getSimpleName(); }
  static void methods() throws Exception {
    Set<Class<?>> ret = new HashSet<>(Arrays.asList(Collection.class, Map.class, SortedMap.class, List.class, Set.class, SortedSet.class, ArrayList.class, LinkedList.class, HashSet.class, LinkedHashSet.class, HashMap.class, LinkedHashMap.class, TreeMap.class, TreeSet.class));
    FilteredMethodResolver r = new FilteredMethodResolver(new ReturnTypeRestrictor(ret));
    Method gm = FilteredMethodResolver.class.getDeclaredMethod("getMethods", Class.class); gm.setAccessible(true);
    Class<?>[] cs = {String.class, Integer.class, Long.class, Double.class, Float.class, Byte.class, Boolean.class, Character.class, Math.class, Date.class, java.text.SimpleDateFormat.class, Random.class, UUID.class, java.time.LocalDate.class, java.time.LocalDateTime.class, java.time.DayOfWeek.class, java.time.Instant.class, java.time.temporal.ChronoUnit.class, java.net.URLEncoder.class, java.time.temporal.TemporalAdjusters.class, ArrayList.class, LinkedHashMap.class, new LinkedHashMap<>().keySet().getClass(), new LinkedHashMap<>().values().getClass(), java.math.BigInteger.class};
    for (Class<?> c : cs) {
      TreeSet<String> ls = new TreeSet<>();
      for (Method m : (Method[]) gm.invoke(r, c)) {
        if (m.isBridge() || m.isSynthetic()) continue;
        StringJoiner j = new StringJoiner(",", "(", ")");
        int i=0;
        for (Class<?> p : m.getParameterTypes()) { i++; j.add(tn(p) + (m.isVarArgs() && i==m.getParameterCount() ? "..." : "")); }
        ls.add(c.getSimpleName() + "\t" + (Modifier.isStatic(m.getModifiers())?"static":"") + "\t" + m.getName() + j + "\t" + tn(m.getReturnType()));
      }
      ls.forEach(System.out::println);
    }
    for (Class<?> c : cs) for (Constructor<?> k : c.getConstructors()) {
        StringJoiner j = new StringJoiner(",", "(", ")");
        for (Class<?> p : k.getParameterTypes()) j.add(tn(p));
        System.out.println(c.getSimpleName()+"\tnew\t"+j);
    }
  }
}
